"""What a method recognised, as HTML: a bar for every word, before and after; and as one line."""

from __future__ import annotations

import html
from collections.abc import Mapping

from restoration.protocol import Recognised


def bars(found: Recognised) -> str:
    """The share of every word as a list with bars, under the warning; nothing where none is."""
    warning = (
        f'<p class="doubt" role="note">{html.escape(found.warning)}</p>' if found.warning else ""
    )
    lead = f'<p class="about">{html.escape(_lead(found))}</p>' if found.likeliest else ""
    if not warning + lead:
        return ""
    items = "".join(_item(word, share, found) for word, share in found.before.items())
    shares = f'<ul aria-label="{_heading(found)}">{items}</ul>' if items else ""
    return (
        '<section class="recognised" aria-label="What is wrong with the picture">'
        f"{warning}{lead}{shares}</section>"
    )


def in_short(found: Recognised | None) -> str:
    """The likeliest word, before and after where both are known."""
    if found is None:
        return ""
    first = f"{found.by_hand}, by hand" if found.by_hand else found.likeliest
    return " → ".join(filter(None, (first, _best(found.after))))


def _lead(found: Recognised) -> str:
    told = f"Told by hand: {found.by_hand}. " if found.by_hand else ""
    return f"{told}{_heading(found)}." if found.before else told.strip()


def _heading(found: Recognised) -> str:
    if found.after:
        return "Recognised in the input → in the result"
    return "Recognised in the input"


def _item(word: str, share: float, found: Recognised) -> str:
    """One word: its bars are for the eye alone, its numbers for everyone."""
    likeliest = ' class="likeliest"' if word == _best(found.before) else ""
    both = [share, found.after[word]] if word in found.after else [share]
    lines = "".join(f'<i style="width: {100 * one:.1f}%"></i>' for one in both)
    numbers = " → ".join(f"{one:.0%}" for one in both)
    return (
        f"<li{likeliest}><span>{html.escape(word)}</span>"
        f'<span class="bars" aria-hidden="true">{lines}</span><span>{numbers}</span></li>'
    )


def _best(shares: Mapping[str, float]) -> str:
    return max(shares, key=lambda word: shares[word], default="")
