"""The miniature prior that the sampling loops of the packs were run with."""

from restoration import weights
from restoration.denoisers import Prior
from restoration.networks import guided_unet


def toy_prior(pack, patch=None):
    """The prior of the weights that a pack names; on whole pictures unless told a patch."""
    network = guided_unet.build(pack.config)
    state = guided_unet.from_published(pack.weights, pack.config)
    weights.load_into(network, state, file=pack.path.name)
    return Prior(network, patch or pack.config["image_size"])
