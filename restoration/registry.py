"""Every restoration method, in the order the page shows them."""

from restoration.methods import (
    daclip_irsde,
    ddnm,
    ddrm,
    diffbir,
    diffpir,
    dps,
    gdp,
    gdp_light,
    gen2res,
)
from restoration.protocol import Method

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        diffbir.METHOD,
        daclip_irsde.METHOD,
        gdp.METHOD,
        gdp_light.LOW_LIGHT,
        gdp_light.HDR,
        ddrm.METHOD,
        ddnm.METHOD,
        diffpir.METHOD,
        dps.METHOD,
        gen2res.METHOD,
    )
}
