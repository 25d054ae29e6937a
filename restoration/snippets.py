"""How a program asks for a restoration: lines to copy, made from a method's declaration."""

from __future__ import annotations

import json

from restoration.params import Knob, Scalar, knobs_of
from restoration.protocol import Method

ADDRESS = "http://127.0.0.1:7860"
"""Where `python app.py` serves the hub."""
SHOWN = 2
"""Knobs in an example, where no preset says which."""
EXPOSURES = {"medium_exposure": "longer.jpg", "long_exposure": "longest.jpg"}
"""For a method of several exposures: names of the endpoint's inputs, and files."""


def command(method: Method) -> str:
    """The command line."""
    further = f" --exposures {' '.join(EXPOSURES.values())}" if "exposures" in method.needs else ""
    options = "".join(f" {_option(*pair)}" for pair in _example(method).items())
    return f"python -m restoration restore {method.name} in.jpg out.png{further} --seed 1{options}"


def python(method: Method) -> str:
    """Python on the machine itself."""
    further = f", exposures={list(EXPOSURES.values())}" if "exposures" in method.needs else ""
    call = f'restoration.restore("{method.name}", "in.jpg"{further}, seed=1{_given(method)})'
    return (f'import restoration\n\nresult = {call}\nresult.save("out.png")').replace("'", '"')


def client(method: Method, address: str = ADDRESS) -> str:
    """Python from elsewhere, by `pip install gradio_client`."""
    further = "".join(f', {key}=handle_file("{file}")' for key, file in _further(method).items())
    return (
        "from gradio_client import Client, handle_file\n\n"
        f'hub = Client("{address}")\n'
        'picture = handle_file("in.jpg")\n'
        f"png, recipe, *_ = hub.predict(\n"
        f'    picture{further}, seed=1{_given(method)}, api_name="/{method.name}"\n)'
    ).replace("'", '"')


def curl(method: Method, address: str = ADDRESS) -> str:
    """Anything that speaks HTTP: upload, begin, listen. PATH and ID come from the answer before."""
    picture = {"path": "PATH", "meta": {"_type": "gradio.FileData"}}
    knobs = {name.replace(".", "_"): value for name, value in _example(method).items()}
    pictures = dict.fromkeys(("picture", *_further(method)), picture)
    body, api = json.dumps({**pictures, "seed": 1, **knobs}), f"{address}/gradio_api"
    return (
        f"curl -F files=@in.jpg {api}/upload\n"
        f"curl -H 'Content-Type: application/json' -d '{body}' {api}/call/v2/{method.name}\n"
        f"curl -N {api}/call/{method.name}/ID"
    )


def _example(method: Method) -> dict[str, Scalar]:
    """The knobs of the first preset that sets some, or else some with their usual values."""
    for preset in method.presets:
        if preset.knobs:
            return dict(preset.knobs)
    plain = [knob for knob in knobs_of(method.params) if _is_plain(knob)]
    return {knob.name: knob.default for knob in plain[:SHOWN]}


def _is_plain(knob: Knob) -> bool:
    """Whether a knob always matters and is no switch."""
    return not knob.when and not isinstance(knob.default, bool)


def _further(method: Method) -> dict[str, str]:
    return EXPOSURES if "exposures" in method.needs else {}


def _given(method: Method) -> str:
    """Keyword arguments."""
    return "".join(
        f", {name.replace('.', '_')}={value!r}" for name, value in _example(method).items()
    )


def _option(name: str, value: Scalar) -> str:
    if isinstance(value, bool):
        group, dot, last = name.rpartition(".")
        return f"--{name}" if value else f"--{group}{dot}no-{last}"
    return f"--{name} {value if value != '' else repr('')}"
