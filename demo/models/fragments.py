"""What the Models tab says of the checkpoints: the list, one of them, what they add up to."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Literal

from restoration import runtime, weights
from restoration.sizes import in_words
from restoration.weights import conversion
from restoration.weights.models import Hash, Model, Place
from restoration.weights.strays import Stray

Shown = Literal["all", "on disk", "missing"]
NOTHING: dict[Shown, str] = {
    "all": "The catalogue is empty.",
    "on disk": "No model is on disk.",
    "missing": "No model is missing.",
}
CHOOSE = "Choose a model in the list to see its licence and sources, and what can be done with it."
PUBLIC = "This page is shared with others: the list is to look at, and nothing can be changed."
PLACES: dict[Place, str] = {
    "bundled": "It comes with the project.",
    "own": "In the hub's own folder, <code>checkpoints/</code>.",
    "elsewhere": "In a further folder of this machine; the hub leaves it as it is.",
    "nowhere": "Not on this machine.",
}
HASHES: dict[Hash, str] = {
    "verified": "✓ The file on disk has it.",
    "differs": "⚠ The file on disk has another one: delete it, and fetch it again.",
    "not checked": "○ Not compared yet with the file on disk: press Verify.",
    "not published": "",
    "": "",
}


def listed(models: Iterable[Model], shown: Shown, chosen: str) -> dict[str, Any]:
    """The value of the list: data, never a template, so that no text can become code."""
    seen = [one for one in models if shown == "all" or (one.path is None) == (shown == "missing")]
    families = [
        {"title": family, "rows": [_row(one) for one in members]}
        for family, members in groupby(seen, key=lambda one: one.family)
    ]
    return {"families": families, "chosen": chosen, "nothing": "" if seen else NOTHING[shown]}


def _row(model: Model) -> dict[str, str]:
    mark, word, kind = _state(model)
    return {
        "name": model.entry.name,
        "title": model.entry.title,
        "for": _uses(model),
        "size": size_of(model),
        "licence": _short(model.entry.licence),
        "mark": mark,
        "state": word,
        "kind": kind,
        "action": _action(model),
    }


def size_of(model: Model) -> str:
    """Its bytes in words: those on disk, or those to expect."""
    if model.size:
        return in_words(model.size)
    if model.expected is None:
        return ""
    about = "" if model.entry.size else "about "
    return about + in_words(model.expected)


def _short(licence: str) -> str:
    """The first words of a licence; the details have the rest."""
    return re.split(r"[;:(]|, (?:so|and|whose) ", licence)[0].strip()


def _state(model: Model) -> tuple[str, str, str]:
    """A sign, a word and a kind."""
    if model.hash_state == "differs":
        return "⚠", "another file", "bad"
    if model.state == "begun":
        whole = model.expected
        share = (
            f"{model.begun / whole:.0%} fetched" if whole else f"{in_words(model.begun)} fetched"
        )
        return "◐", share, "busy"
    if model.state == "missing":
        return "○", "missing", "none"
    return "✓", "verified" if model.hash_state == "verified" else model.state, "good"


def _action(model: Model) -> str:
    if not (model.can_be_fetched and runtime.policy().downloads):
        return "Details"
    return "Resume …" if model.begun else "Fetch …"


def _uses(model: Model) -> str:
    """Variants, with the methods that have them where those are not the family itself."""
    variants: dict[str, list[str]] = {}
    for method, variant in model.needed_by:
        variants.setdefault(variant, []).append(method)
    if {method for method, _ in model.needed_by} == {model.family}:
        return f"for {', '.join(variants)}"
    told = [f"{variant} of {_and(methods)}" for variant, methods in variants.items()]
    return f"for {', '.join(told)}" if told else ""


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def summary(models: Sequence[Model], on_disk: int, free: int | None) -> str:
    """How many there are, and what they take; the room that is left, where that may be told."""
    count = sum(one.path is not None for one in models)
    room = f" {in_words(free)} are free." if free is not None else ""
    said = f"{count} of {len(models)} models are on disk, {in_words(on_disk)} in all.{room}"
    more = "" if free is not None else f" {PUBLIC}"
    return f'<p class="about" role="status">{html.escape(said + more)}</p>'


def unchosen() -> str:
    """What stands where the details will be."""
    return f'<p class="nothing">{CHOOSE}</p>'


def details(model: Model) -> str:
    """All there is to know of one model."""
    entry = model.entry
    rows = [
        ("Needed", html.escape(_uses(model) or "by none of the methods' variants")),
        ("File", f"<code>{html.escape(entry.file)}</code> {html.escape(size_of(model))}"),
        ("Where", PLACES[model.place]),
        ("Format", _format(model)),
        ("sha256", _hash(model)),
        ("Licence", _licence(model)),
        ("Sources", _sources(entry.mirrors)),
        ("By hand", _by_hand(model)),
    ]
    body = "".join(f"<dt>{head}</dt><dd>{text}</dd>" for head, text in rows if text)
    note = f'<p class="about">{html.escape(entry.note)}</p>'
    return (
        f'<section class="model"><h2>{html.escape(entry.title)}</h2>{note}<dl>{body}</dl></section>'
    )


def _format(model: Model) -> str:
    if model.path is None or conversion.target_of(model.entry, model.path) is None:
        own = f"<code>{html.escape(model.path.name)}</code>" if model.path else ""
        return f"safetensors, converted by this hub: {own}" if model.is_converted else ""
    return "torch.save. As safetensors it is read at once, and holds no code: press Convert."


def _hash(model: Model) -> str:
    if model.entry.sha256 is None:
        return "" if model.place == "bundled" else "None is published."
    return f"<code>{model.entry.sha256}</code> {HASHES[model.hash_state]}"


def _licence(model: Model) -> str:
    entry = model.entry
    must = " To be accepted before it is fetched." if entry.restricted else ""
    whole = ""
    if entry.terms:
        is_open = " open" if model.can_be_fetched else ""
        text = html.escape(weights.licence_of(entry))
        whole = f"<details{is_open}><summary>The whole text</summary><pre>{text}</pre></details>"
    return f"{html.escape(entry.licence)}.{must}{whole}"


def _sources(mirrors: Iterable[str]) -> str:
    links = (
        f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">'
        f"{html.escape(url)}</a>"
        for url in mirrors
    )
    return "<br>".join(links)


def _by_hand(model: Model) -> str:
    if model.path is not None:
        return ""
    return (
        f"Put the file, under the name <code>{html.escape(model.entry.file)}</code>, into "
        "<code>checkpoints/</code> or a folder named in <code>RESTORATION_WEIGHTS</code>, and open "
        "this tab again."
    )


def others(strays: Sequence[Stray]) -> str:
    """What lies in the hub's folder and is none of the catalogue's; nothing where that is so."""
    if not strays:
        return ""
    items = "".join(
        f"<li><code>{html.escape(one.name)}</code> {html.escape(in_words(one.size))}"
        f"<br>{html.escape(one.likely)}</li>"
        for one in strays
    )
    return (
        "<h2>Not in the catalogue</h2><p class='about'>Files in <code>checkpoints/</code> that no "
        f"method looks for; the hub does not touch them.</p><ul class='strays'>{items}</ul>"
    )


def question(model: Model, served: Sequence[str], freed: int, *, only_sources: bool = False) -> str:
    """Whether it is really to be deleted, or only the file that it was converted from."""
    if only_sources:
        said = f"Delete the file that “{model.entry.title}” was converted from? That frees "
        return f'<p class="said" role="status">{html.escape(said + in_words(freed))}.</p>'
    also = f" {_and(served)} would be gone too." if served else ""
    again = "" if model.entry.mirrors else " It has no address to be fetched from again."
    said = f"Delete “{model.entry.title}” from the disk? That frees {in_words(freed)}.{also}{again}"
    return f'<p class="said" role="status">{html.escape(said)}</p>'
