"""A result that is dropped offers its settings: what made it is said, and a button takes them.

It is offered wherever a result lands: on the picture of a method, on that of Compare, or anywhere
else on the page, from where `assets/page.js` hands the file to the hidden input made here. Nothing
is changed before the button is pressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo import failures
from demo.controls import QUIET
from demo.fragments import answer
from demo.method_tab import MethodTab
from demo.picture import PictureInput, UploadedFiles
from demo.recall import fields_of, recipe_in
from demo.restoring import Updates
from restoration.errors import BadRecipeError
from restoration.front import WORDS
from restoration.recipe import Recipe, read_recipe
from restoration.registry import METHODS

LONGEST = 60
"""Characters of a name that a file brings."""


@dataclass(frozen=True)
class Offer:
    """The bar that says what made a picture."""

    tabs: gr.Tabs
    methods: Sequence[MethodTab]
    bar: gr.Column
    said: gr.HTML
    use: gr.Button
    close: gr.Button
    recipe: gr.State
    """What is offered, as JSON; nothing where there is no offer."""
    dropped: UploadedFiles
    """Takes what is dropped beside every input."""

    def outputs(self) -> list[Any]:
        """The bar."""
        return [self.bar, self.said, self.use, self.recipe]

    def places(self) -> list[Any]:
        """All that taking settings may change."""
        fields = [one for tab in self.methods for one in tab.switch.outputs()]
        return [self.tabs, *fields, *self.outputs()]

    def says(self, text: str, kind: str = "good", recipe: Recipe | None = None) -> Updates:
        """The bar with a sentence, and with the button where there is a recipe to use."""
        return {
            self.bar: gr.update(visible=True),
            self.said: answer(text, kind),
            self.use: gr.update(visible=recipe is not None),
            self.recipe: recipe.to_json() if recipe else "",
        }

    def closed(self) -> Updates:
        """No bar."""
        return {self.bar: gr.update(visible=False), self.recipe: ""}

    def taken(self, recipe: Recipe) -> Updates:
        """The settings of a recipe in the form of its method, and that form in sight.

        Raises:
            BadRecipeError: there is no such method here, or it has no such weights.
            BadKnobError: the knobs are not the method's.
        """
        tab = next((tab for tab in self.methods if recipe.method in tab.methods()), None)
        if tab is None:
            raise BadRecipeError(
                f"there is no method {recipe.method!r:.{LONGEST}} here: the settings cannot be used"
            )
        values = fields_of(METHODS[recipe.method], recipe)
        title = METHODS[recipe.method].title
        text = f"{title} has these settings now. Put in what was restored and press Run."
        return {
            self.tabs: gr.Tabs(selected=tab.name),
            **tab.switch.filled(recipe.method, values),
            **self.says(f"{text}{missing(recipe)}"),
        }


def lay_out(tabs: gr.Tabs, methods: Sequence[MethodTab]) -> Offer:
    """The bar, placed here, and the hidden input; `wire` makes them work."""
    with gr.Column(visible=False, elem_id="offer", elem_classes="offer") as bar:
        said = gr.HTML("", label="What made the picture", elem_id="offer-said")
        with gr.Row(elem_classes="actions"):
            use = gr.Button("Use its settings", variant="primary", size="sm", elem_id="offer-use")
            close = gr.Button("Close", size="sm", elem_id="offer-close")
    dropped = UploadedFiles(
        label="A result, for its settings", elem_id="dropped", elem_classes="away"
    )
    return Offer(tabs, methods, bar, said, use, close, gr.State(""), dropped)


def wire(offer: Offer, pictures: Sequence[PictureInput]) -> None:
    """Offer what is dropped on any of `pictures`, or beside them."""
    for picture in pictures:
        picture.upload(
            lambda path: offered(offer, path), picture, offer.outputs(), queue=False, **QUIET
        )
    offer.dropped.upload(
        lambda paths: {offer.dropped: None, **recalled(offer, paths)},
        offer.dropped,
        [offer.dropped, *offer.outputs()],
        queue=False,
        **QUIET,
    )
    offer.use.click(
        lambda text: used(offer, text), offer.recipe, offer.places(), queue=False, **QUIET
    )
    offer.close.click(offer.closed, None, offer.outputs(), queue=False, **QUIET)


def offered(offer: Offer, path: str | None) -> Updates:
    """What made the picture in an input; nothing is said of one that no method made."""
    try:
        recipe = read_recipe(path) if path else None
    except BadRecipeError as error:
        return offer.says(failures.sentence(error), "bad")
    return offer.says(made_by(recipe), recipe=recipe) if recipe else offer.closed()


def recalled(offer: Offer, paths: Sequence[str]) -> Updates:
    """What made a picture that was dropped beside the inputs."""
    try:
        recipe = recipe_in(paths[0]) if paths else None
    except BadRecipeError as error:
        why = failures.sentence(error).rstrip(".")
        return offer.says(f"{why}. To restore a picture, drop it on “Picture to restore”.", "bad")
    return offer.says(made_by(recipe), recipe=recipe) if recipe else offer.closed()


def used(offer: Offer, text: str) -> Updates:
    """The settings that are offered, taken."""
    try:
        return offer.taken(Recipe.from_json(text))
    except Exception as error:  # noqa: BLE001  # whatever a file holds, the page answers
        return offer.says(failures.sentence(error), "bad")


def made_by(recipe: Recipe) -> str:
    """What made a picture, in a sentence."""
    return f"This picture was made by {name_of(recipe)}, seed {recipe.seed}."


def name_of(recipe: Recipe) -> str:
    """Method and variant by their titles, as far as they are known here."""
    method = METHODS.get(recipe.method)
    if method is None:
        return f"{recipe.method:.{LONGEST}}, {recipe.variant:.{LONGEST}}"
    titles = {variant.name: variant.title for variant in method.variants}
    return f"{method.title}, {titles.get(recipe.variant, recipe.variant):.{LONGEST}}"


def missing(recipe: Recipe) -> str:
    """What a recipe knows of and cannot bring back, as a further sentence; or nothing."""
    words = [words for need, words in WORDS.items() if need in recipe.inputs]
    if not words:
        return ""
    return f" It was made with {' and '.join(words)} too, which you have to give again."
