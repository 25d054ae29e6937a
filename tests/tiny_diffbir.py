"""Configurations of latent networks smaller than the mini's, and weights by chance for them."""

import torch

from restoration.networks import mini_diffbir

AUTOENCODER = {
    **mini_diffbir.autoencoder(),
    "block_out_channels": [8, 8, 16],
    "norm_num_groups": 4,
    "scaling_factor": 0.5,
}
UNET = {
    **mini_diffbir.unet(),
    "block_out_channels": [16, 16, 32],
    "norm_num_groups": 8,
    "attention_head_dim": 2,
}
CONTROL = mini_diffbir.control(UNET)


def filled(build, config, seed=0):
    """A network with weights by chance under which everything has an effect."""
    network = build(config).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for values in network.parameters():
        spread = values[0].numel() ** -0.5 if values.ndim > 1 else 0.1
        drawn = torch.randn(values.shape, generator=generator)
        values.copy_(drawn * spread + (values.ndim == 1))
    return network
