"""Settings back from a result: the recipe inside its PNG, turned into updates of a tab."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo import failures
from demo.fragments import answer
from restoration.errors import BadRecipeError
from restoration.params import build, flatten
from restoration.protocol import Method
from restoration.recipe import Recipe, read_recipe
from restoration.registry import METHODS


def recall(method: Method, path: str | None, fields: dict[str, Any], said: gr.HTML) -> Any:
    """Updates that put a result's settings into `fields` (knobs by key, `variant`, `seed`).

    Nothing is run. Where the settings cannot be taken, only `said` changes, and says why.
    """
    if path is None:
        return {said: ""}
    try:
        values = settings(method, path)
    except Exception as error:  # noqa: BLE001  # whatever the file holds, the page answers
        return {said: answer(failures.sentence(error), "bad")}
    return {fields[key]: value for key, value in values.items()} | {
        said: answer("The settings are back. Put in what was restored and press Run.", "good")
    }


def settings(method: Method, path: str) -> dict[str, Any]:
    """What a result was made with, checked against the method as it is now, by field key.

    Raises:
        BadRecipeError: the file holds no settings, or not of this method.
        BadKnobError: its knobs are not the method's.
    """
    return fields_of(method, recipe_in(path))


def recipe_in(path: str) -> Recipe:
    """How a result was made.

    Raises:
        BadRecipeError: the file holds no settings, or none that can be used.
    """
    recipe = read_recipe(path)
    if recipe is None:
        raise BadRecipeError(
            "this picture carries no settings: it takes a result PNG of this hub, as downloaded"
        )
    return recipe


def fields_of(method: Method, recipe: Recipe) -> dict[str, Any]:
    """What a recipe says, checked against the method as it is now, by field key.

    Raises:
        BadRecipeError: it is not of this method, or of weights that the method does not have.
        BadKnobError: its knobs are not the method's.
    """
    _check(method, recipe)
    params = build(method.params, recipe.knobs)
    knobs = {name.replace(".", "_"): value for name, value in flatten(params).items()}
    return {**knobs, "variant": recipe.variant, "seed": recipe.seed}


def _check(method: Method, recipe: Recipe) -> None:
    if recipe.method != method.name:
        other = METHODS[recipe.method].title if recipe.method in METHODS else recipe.method
        raise BadRecipeError(
            f"this picture was made with {other:.60}, not with {method.title}: drop it there"
        )
    if recipe.variant not in {variant.name for variant in method.variants}:
        known = ", ".join(variant.name for variant in method.variants)
        raise BadRecipeError(
            f"{method.title} has no weights called {recipe.variant!r:.60} here (known: {known})"
        )
