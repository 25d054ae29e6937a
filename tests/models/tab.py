"""What is asked of the Models tab without a browser."""

from demo.models.view import NONE
from restoration.weights import models as model_files
from tests.weights.test_models import METHODS

AGREED = frozenset({"a"})


def model(name):
    return model_files.model(name, METHODS)


def rows(page, shown="all"):
    families = page.update(shown, NONE, frozenset())[page.view.listing]["families"]
    return {row["name"]: row for family in families for row in family["rows"]}


def seen(page, name, agreed=frozenset()):
    """The buttons that are seen of a model."""
    update, view = page.update("all", name, agreed), page.view
    names = ("fetch", "verify", "convert", "delete", "thin", "agree")
    return {one for one in names if update[getattr(view, one)]["visible"]}


def told(work):
    """The lines of some work, and how it ended."""
    lines = []
    while True:
        try:
            lines.append(next(work))
        except StopIteration as end:
            return lines, end.value
