"""A restoration done again from its recipe: on the same machine it gives the same file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from restoration import front
from restoration.errors import BadRecipeError
from restoration.front import WORDS, Restoration
from restoration.recipe import Recipe, read_recipe

if TYPE_CHECKING:
    from restoration.albums import Album
    from restoration.front import Source


def again(
    recipe: Recipe | str | Path,
    picture: Source,
    *,
    mask: Source | None = None,
    kernel: Source | None = None,
    exposures: Sequence[Source] = (),
    album: str | Album | None = None,
) -> Restoration:
    """Restore a picture as a recipe says, or as the result does that carries it.

    The remarks say what is not as it was; where there are none but the method's own, the result
    is the same to the last bit. What was given beside the picture has to be given again.

    Raises:
        RestorationError: there is no such recipe, or it cannot be done; the text says why.
    """
    recipe = recipe if isinstance(recipe, Recipe) else recipe_of(recipe)
    done = front.restore(
        recipe.method,
        picture,
        variant=recipe.variant,
        seed=recipe.seed,
        mask=mask,
        kernel=kernel,
        exposures=exposures,
        album=album,
        **recipe.knobs,
    )
    return replace(done, remarks=(*differences(recipe, done.recipe), *done.remarks))


def recipe_of(result: str | Path) -> Recipe:
    """How a result was made.

    Raises:
        BadRecipeError: it carries no recipe, or none that can be used.
    """
    recipe = read_recipe(result)
    if recipe is None:
        raise BadRecipeError(
            f"{Path(result).name} carries no recipe: it takes a result PNG of this hub, as saved"
        )
    return recipe


def differences(then: Recipe, now: Recipe) -> tuple[str, ...]:
    """What a pixel can depend on and is not as it was, a sentence each."""
    found = []
    if now.size != then.size:
        size, was = ("x".join(map(str, one.size)) for one in (now, then))
        found.append(f"The picture has {size} pixels; that of the recipe had {was}.")
    for need, words in WORDS.items():
        if now.inputs.get(need) != then.inputs.get(need):
            found.append(f"What the recipe says of {words} does not fit what was given.")
    if names := _changed(then.weights, now.weights):
        found.append(f"Other files of weights are on this machine: {', '.join(names)}.")
    if names := _changed(then.versions, now.versions):
        told = (f"{n} {then.versions.get(n, 'absent')} then, {now.versions[n]} now" for n in names)
        found.append(f"Libraries have other versions, so pixels may differ: {'; '.join(told)}.")
    return tuple(found)


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [name for name, value in now.items() if then.get(name) != value]
