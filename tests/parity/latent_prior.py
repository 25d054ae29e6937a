"""The stand-in for Stable Diffusion that the latent sampling loops of the packs were run with."""

import torch
from torch.nn import functional

from restoration import tiling
from restoration.latent import schedule as latent_schedule
from restoration.latent.classifier_free import ClassifierFree


def schedule(zero_snr):
    if zero_snr:
        return latent_schedule.stable_diffusion_zero_snr()
    return latent_schedule.stable_diffusion()


def network(pack, c_img, prediction, times=None):
    """x_t, t, tokens -> eps or v; notes the times that it is told."""
    weight, times = pack.group("weight"), [] if times is None else times

    def answer(x_t, t, tokens):
        times.append(t)
        tt = torch.tensor(t / 1000, dtype=torch.float32)
        told = torch.stack([(3 * tt).cos(), (3 * tt).sin(), (11 * tt).cos(), (11 * tt).sin()])
        seen = torch.cat([x_t, c_img.repeat(len(x_t) // len(c_img), 1, 1, 1)], 1)
        shift = told @ weight["wt"].T + tokens.mean(1) @ weight["wc"].T
        hidden = functional.conv2d(seen, weight["w1"], weight["b1"], padding=1)
        hidden = functional.silu(hidden + shift[..., None, None])
        out = functional.conv2d(hidden, weight["w2"], weight["b2"], padding=1)
        return tt.sqrt() * x_t + 0.4 * out if prediction == "eps" else 0.5 * (1 - tt) * x_t + out

    return answer


def tiled(pack, c_img, prediction, tile):
    """The network on overlapping tiles of the latent and of the condition."""

    def answer(x_t, t, tokens):
        def on_tile(both):
            x, c = both.chunk(2, dim=1)
            return network(pack, c, prediction)(x, t, tokens)

        size, stride = ((side, side) for side in tile)
        *_, (_, _, mosaic) = tiling.tiled(on_tile, torch.cat([x_t, c_img], 1), size, stride)
        return mosaic.total / mosaic.weight

    return answer


def guided(pack, case, *, c_img=None, times=None, in_one_batch=False):
    """The network of a case with its words and its scale."""
    given = pack.group("in")
    c_img = given["c_img"] if c_img is None else c_img
    prediction = schedule(case["zs"]).prediction
    asked = (
        tiled(pack, c_img, prediction, case["tiled"])
        if case["tiled"]
        else network(pack, c_img, prediction, times)
    )
    words = given["c_txt"], given["u_txt"]
    return ClassifierFree(asked, *words, case["cfg"], case["rescale"], in_one_batch)


def draws(pack, name, count):
    """What a case drew, in order."""
    found = pack.group(f"noise.{name}")
    return [found[str(i)] for i in range(count)]


def decode(pack, z):
    """(B, 4, h, w) -> (B, 3, 2h, 2w)"""
    weight = pack.group("weight")
    return functional.pixel_shuffle(
        functional.conv2d(z, weight["dec"], weight["decb"], padding=1), 2
    )


def encode(pack, picture, noise):
    """(B, 3, 2h, 2w) and a draw -> a sample of the posterior, (B, 4, h, w)"""
    weight = pack.group("weight")
    return functional.conv2d(picture, weight["enc"], weight["encb"], stride=2) + 0.05 * noise
