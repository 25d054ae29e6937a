"""The bases of DDRM's published operators, as `Spectrum`s over flat vectors (B, n).

The packs' noise is drawn in these bases, so a walk can only be replayed in them. They keep the
order of the coefficients, and the fault of the published deblurring: its singular values are
repeated channel after channel while the coefficients of the channels alternate.
"""

import torch

from restoration.spectra import Spectrum


def spectrum(task, inputs, shape):
    """What a task of the pack names; `inputs` are its tensors `in.<task>.*`."""
    build = {
        "deno": denoising,
        "inp50": inpainting,
        "color": colourisation,
        "sr4": super_resolution,
        "deblur_uni": deblurring,
    }
    return build[task](inputs, shape)


def padded(values, length):
    return torch.cat([values, values.new_zeros(*values.shape[:-1], length - values.shape[-1])], -1)


def denoising(inputs, shape):
    values = torch.ones(shape.numel())
    return Spectrum(values, lambda x: x.flatten(1), lambda c: c.reshape(-1, *shape), lambda y: y)


def inpainting(inputs, shape):
    """Pixel after pixel, its channels together; what is missing comes last."""
    n, pixels = shape.numel(), shape[1:].numel()
    missing = inputs["missing_pixel_index"]
    lost = torch.cat([missing * 3 + channel for channel in range(3)])
    kept = torch.arange(n)[~torch.isin(torch.arange(n), lost)]
    order = torch.cat([kept, lost])
    values = padded(torch.ones(len(kept)), n)
    return Spectrum(
        values,
        lambda x: x.flatten(2).transpose(1, 2).reshape(-1, n)[:, order],
        lambda c: c[:, order.argsort()].reshape(-1, pixels, 3).transpose(1, 2).reshape(-1, *shape),
        lambda y: padded(y, n),
    )


def colourisation(inputs, shape):
    """The three mixtures of channels, one whole picture after the other."""
    n, v = shape.numel(), inputs["V_small"]
    values = padded(inputs["singulars_small"].expand(shape[1:].numel()), n)
    return Spectrum(
        values,
        lambda x: (v.T @ x.flatten(2)).flatten(1),
        lambda c: (v @ c.reshape(-1, 3, n // 3)).reshape(-1, *shape),
        lambda y: padded(inputs["U_small"][0, 0] * y, n),
    )


def super_resolution(inputs, shape):
    """The mean of every block, then the other mixtures of its pixels, block after block."""
    n, v = shape.numel(), inputs["V_small"]
    channels, side = shape[0], int(len(v) ** 0.5)
    rows, columns = shape[1] // side, shape[2] // side
    means = channels * rows * columns
    values = padded(inputs["singulars_small"].expand(means), n)

    def vt(x):
        blocks = x.reshape(-1, channels, rows, side, columns, side).transpose(3, 4)
        mixed = blocks.reshape(-1, means, side**2) @ v
        return torch.cat([mixed[..., 0], mixed[..., 1:].flatten(1)], 1)

    def back(c):
        rest = c[:, means:].reshape(-1, means, side**2 - 1)
        blocks = torch.cat([c[:, :means, None], rest], -1) @ v.T
        split = blocks.reshape(-1, channels, rows, columns, side, side)
        return split.transpose(3, 4).reshape(-1, *shape)

    return Spectrum(values, vt, back, lambda y: padded(inputs["U_small"][0, 0] * y, n))


def deblurring(inputs, shape):
    """The matrices of rows and columns, sorted by singular value, channels alternating."""
    u, v, order = inputs["U_small"], inputs["V_small"], inputs["perm"]
    channels, pixels = shape[0], shape[1:].numel()

    def forward(basis):
        def change(x):
            mixed = (basis.T @ x.reshape(-1, *shape) @ basis).flatten(2)[..., order]
            return mixed.transpose(1, 2).flatten(1)

        return change

    def back(c):
        mixed = c.reshape(-1, pixels, channels).transpose(1, 2)[..., order.argsort()]
        return v @ mixed.reshape(-1, *shape) @ v.T

    return Spectrum(inputs["singulars_as_used"], forward(v), back, forward(u))
