"""First weights of a latent U-Net and its control branch that learn together: the condition.

A U-Net that begins at random has to learn first what can be written down: at the noisiest step the
best answer is v = -z0, and the best guess of z0 is the condition. Here the first answer is that at
every step. What is left to learn is how far to trust x_t instead, and the detail.
"""

from __future__ import annotations

from typing import Any

import torch

from restoration.training.linear_start import clear, pass_on, pick


@torch.no_grad()
def start_as_condition(unet: Any, control: Any) -> None:
    """Make v = -c_img the first answer, in place; the branch is the U-Net's encoder already.

    The condition goes through the first zero convolution to the skip connection at full size, and
    x_t lies ready beside it. All else of the branch still adds nothing.
    """
    channels = unet.config.in_channels
    x_t, c_img = slice(channels), slice(channels, 2 * channels)
    eye = torch.eye(channels)
    pick(unet.conv_in, torch.cat([eye, torch.zeros(channels, channels)]))
    pick(control.conv_in, torch.eye(2 * channels))
    control.controlnet_down_blocks[0].weight[c_img, c_img, 0, 0] = eye
    final = unet.up_blocks[-1].resnets[-1]
    clear(final.conv2)
    width = unet.conv_in.out_channels
    before = final.in_channels - width  # of the state; the skip connection follows
    values = torch.zeros(2 * channels, final.in_channels)
    values[x_t, before : before + channels] = eye
    values[c_img, before + channels : before + 2 * channels] = eye
    pass_on(final.conv_shortcut, values, unet, torch.cat([0 * eye, -eye], dim=1))
