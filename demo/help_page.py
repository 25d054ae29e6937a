"""The page Help: every method with its knobs, and how a program calls it; from the declarations."""

from __future__ import annotations

import html
from collections.abc import Mapping

import gradio as gr

from restoration import front, listing, snippets
from restoration.protocol import Method

ROUTE = "help"
INTRODUCTION = """
# Help

**Restore.** Choose the tab of a method, drop a picture, press *Run* (Ctrl+Enter). A preset is a
start for a purpose; every setting says what the picture gains or loses by it. The download carries
its recipe: dropped on this hub, it gives its settings back.

**Keys.** *Ctrl+Enter* runs the open tab, *Escape* stops it, *?* lists the keys.

**Compare.** Line up settings in *Compare* and look at the results together. With the clean original
they are measured as well; *Degrade* makes a bad picture of a good one, and *Evaluate* does it all
to many pictures and gives means.

**Find again.** Every result is kept in *Runs*. *Models* lists the weights: what is here, and where
the rest is published.

**From a program.** Every method is an endpoint of its name with the knobs below as arguments.
`http://127.0.0.1:7860` stands for the address of this page; `/gradio_api/openapi.json` lists all
there is for programs. Of what comes back, the first is the result, a PNG, and the second its
recipe. With curl, PATH is what an upload answers, one for every picture, and ID what the call does.
"""
FIRST_STEPS = '<p><a href="./?walk=1">Show the first steps once more</a></p>'


def build(page: gr.Blocks, methods: Mapping[str, Method]) -> None:
    """Add the page to the hub."""
    with page.route("Help", f"/{ROUTE}"):
        gr.Markdown(INTRODUCTION)
        gr.HTML(FIRST_STEPS)
        for method in methods.values():
            with gr.Accordion(method.title, open=False):
                gr.HTML(f"<p>{html.escape(method.help)}</p><p>{html.escape(method.paper)}</p>")
                gr.Markdown(_variants(method))
                gr.Markdown(listing.table(method.params))
                for title, written, language in (
                    ("Command line", snippets.command, "shell"),
                    ("Python, on the machine itself", snippets.python, "python"),
                    ("Python, from elsewhere", snippets.client, "python"),
                    ("curl: upload, begin, listen", snippets.curl, "shell"),
                ):
                    gr.Code(
                        written(method),
                        label=title,
                        language=language,
                        interactive=False,
                        lines=1,
                    )


def _variants(method: Method) -> str:
    """Weights and presets as lists."""
    weights = (
        f"- `{variant.name}`: {variant.help}{' Not on disk.' if missing else ''}"
        for variant, missing in front.available(method)
    )
    presets = (f"- {preset.name}: {preset.help}" for preset in method.presets)
    parts = ["**Weights**", "\n".join(weights)]
    return "\n\n".join([*parts, *(["**Presets**", "\n".join(presets)] if method.presets else [])])
