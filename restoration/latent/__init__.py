"""Latent diffusion led by a picture: the second stage of DiffBIR, part by part."""
