"""DA-CLIP: what is wrong with a picture, in words, and what is on it (Luo et al. 2024).

A package of its own, which imports torch, open_clip, NumPy and Pillow and nothing of the hub.

- `vocabulary`: the words for degradations, without torch.
- `model`: the network around a CLIP of open_clip.
- `checkpoints`: published files in, safetensors out.
- `recognise`: a picture -> probabilities over words, and the two embeddings of a restorer.
- `training`: losses and parameter groups.
"""
