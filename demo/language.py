"""The page's own words in English and German; a browser chooses, and any other gets English.

Names of methods, knobs and their help, what runs say and labels of controls stay English: knobs
speak to programs as well, and Gradio hands labels on to programs untranslated.
"""

from __future__ import annotations

import html

import gradio as gr
from gradio.i18n import I18nData

TITLE = "Photo Restoration Hub"
HEADER = """
<header class="page">
  <a class="skip" href="#tabs">{skip}</a>
  <h1>{title}</h1>
  <p>{lead}</p>
  <section class="walk" aria-labelledby="walk-title" hidden>
    <h2 id="walk-title">{walk}</h2>
    <ol>
      <li>{walk_drop}</li>
      <li>{walk_run}</li>
      <li>{walk_look}</li>
    </ol>
    <button type="button">{walk_done}</button>
  </section>
  <dialog id="keys" aria-labelledby="keys-title">
    <h2 id="keys-title">{keys}</h2>
    <dl>
      <dt><kbd>Ctrl</kbd> <kbd>Enter</kbd></dt><dd>{key_run}</dd>
      <dt><kbd>Esc</kbd></dt><dd>{key_stop}</dd>
      <dt><kbd>?</kbd></dt><dd>{key_keys}</dd>
    </dl>
    <form method="dialog"><button>{close}</button></form>
  </dialog>
</header>
"""
"""Gradio fills in one phrase in a string of HTML, so this is one."""
ENGLISH = {
    "title": TITLE,
    "lead": "Restore a photograph with several methods and see side by side which one did what.",
    "skip": "Skip to the tabs",
    "compare": "Compare",
    "degrade": "Degrade",
    "evaluate": "Evaluate",
    "runs": "Runs",
    "models": "Models",
    "run": "Run",
    "stop": "Stop",
    "footer": "Pictures stay on the machine that runs this page. Press ? for the keys.",
    "keys": "Keys",
    "key_run": "run the open tab",
    "key_stop": "stop it",
    "key_keys": "show these keys",
    "close": "Close",
    "restore_ready": "Choose a picture and press Run. The result appears here.",
    "compare_ready": "Drop a picture, list the settings to compare, and press Run.",
    "degrade_ready": "Drop a good picture and press Degrade: it comes out worse, always in the "
    "same way.",
    "evaluate_ready": "Choose pictures and settings, and press Run.",
    "runs_ready": "Press “Show” on a run: its pictures and settings are seen here, and nothing is "
    "changed.",
    "walk": "First steps",
    "walk_drop": "Drop a picture, or take one of the examples.",
    "walk_run": "Press Run.",
    "walk_look": "Look: drag the divider between before and after. Other methods on the same "
    "picture: Compare.",
    "walk_done": "Got it",
}
GERMAN = {
    "title": TITLE,
    "lead": "Ein Foto mit mehreren Verfahren restaurieren und nebeneinander sehen, welches was "
    "getan hat.",
    "skip": "Zu den Reitern springen",
    "compare": "Vergleichen",
    "degrade": "Verschlechtern",
    "evaluate": "Auswerten",
    "runs": "Läufe",
    "models": "Modelle",
    "run": "Starten",
    "stop": "Anhalten",
    "footer": "Bilder bleiben auf dem Rechner, auf dem diese Seite läuft. Die Taste ? "
    "zeigt die Tasten.",
    "keys": "Tasten",
    "key_run": "den offenen Reiter starten",
    "key_stop": "ihn anhalten",
    "key_keys": "diese Tasten zeigen",
    "close": "Schließen",
    "restore_ready": "Ein Bild wählen und „Starten“ drücken. Das Ergebnis erscheint hier.",
    "compare_ready": "Ein Bild ablegen, Einstellungen zum Vergleichen auflisten und „Starten“ "
    "drücken.",
    "degrade_ready": "Ein gutes Bild ablegen und „Degrade“ drücken: Es wird schlechter, immer auf "
    "dieselbe Weise.",
    "evaluate_ready": "Bilder und Einstellungen wählen und „Starten“ drücken.",
    "runs_ready": "Bei einem Lauf „Show“ drücken: Hier sind dann seine Bilder und Einstellungen "
    "zu sehen, und nichts ändert sich.",
    "walk": "Erste Schritte",
    "walk_drop": "Ein Bild ablegen oder eines der Beispiele nehmen.",
    "walk_run": "„Starten“ drücken.",
    "walk_look": "Ansehen: den Teiler zwischen vorher und nachher ziehen. Andere Verfahren am "
    "selben Bild: Vergleichen.",
    "walk_done": "Verstanden",
}
WORDS = {"en": ENGLISH, "de": GERMAN}
"""What stands for a key, by language."""
OWN = "phrase_"
"""What the browser's keys begin with: it translates any choice that is spelled like one of them."""

PHRASES = gr.I18n(
    **{
        name: {
            OWN + key: said for key, said in (words | {"header": HEADER.format(**words)}).items()
        }
        for name, words in WORDS.items()
    }
)
"""For `launch`."""


def phrase(key: str) -> I18nData:
    """What the browser shows in its own language; a string of HTML may hold one as it is."""
    assert OWN + key in PHRASES.translations_dict["en"], key
    return PHRASES(OWN + key)


def in_html(text: str | I18nData) -> str:
    """A text as HTML that shows it; a phrase is left for the browser to find."""
    return str(text) if isinstance(text, I18nData) else html.escape(text)
