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
    "compare_lead": "One picture through several settings, looked at together. With the clean "
    "original each result is measured as well; the Degrade tab makes such pairs.",
    "degrade_lead": "Spoil a good picture in a known way, restore it in another tab, and see how "
    "close the result comes to the original.",
    "evaluate_lead": "Many pictures through several settings: means with the range that chance "
    "leaves them, and a report to look through. What is done is kept, whatever stops it.",
    "evaluate_settings": "Other variants and knobs: put them on the list of the Compare tab, try "
    "them on one picture there, and take them over. Settings that want a mask, a kernel, exposures "
    "or an album cannot be evaluated.",
    "runs_lead": "Every restoration is kept here with its settings, until newer ones need its "
    "room. “Show” changes nothing; “Use settings” puts them into the tab of their method.",
    "models_lead": "The models that the methods need: what is on disk, what can be fetched, and "
    "under which licence.",
    "footer": "Pictures stay on the machine that runs this page. Press ? for the keys.",
    "keys": "Keys",
    "key_run": "run the open tab",
    "key_stop": "stop it",
    "key_keys": "show these keys",
    "close": "Close",
    "restore_ready": "Choose a picture and press Run. The result appears here.",
    "compare_ready": "Drop a picture, list the settings to compare, and press Run.",
    "degrade_ready": "Drop a good picture, choose what goes wrong with it, and press Degrade.",
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
    "compare_lead": "Ein Bild durch mehrere Einstellungen, zusammen betrachtet. Mit dem sauberen "
    "Original wird jedes Ergebnis auch gemessen; solche Paare macht der Reiter „Verschlechtern“.",
    "degrade_lead": "Ein gutes Bild auf bekannte Weise verderben, in einem anderen Reiter "
    "restaurieren und sehen, wie nah das Ergebnis dem Original kommt.",
    "evaluate_lead": "Viele Bilder durch mehrere Einstellungen: Mittelwerte mit dem Bereich, den "
    "der Zufall ihnen lässt, und ein Bericht zum Durchsehen. Was fertig ist, bleibt erhalten, was "
    "immer dazwischenkommt.",
    "evaluate_settings": "Andere Varianten und Regler: im Reiter „Vergleichen“ auf die Liste "
    "setzen, dort an einem Bild ausprobieren und dann übernehmen. Einstellungen, die eine Maske, "
    "einen Kern, Belichtungen oder ein Album brauchen, lassen sich nicht auswerten.",
    "runs_lead": "Jede Restaurierung bleibt hier mit ihren Einstellungen, bis neuere den Platz "
    "brauchen. „Show“ ändert nichts; „Use settings“ trägt sie in den Reiter ihres Verfahrens ein.",
    "models_lead": "Die Modelle, die die Verfahren brauchen: was auf der Platte liegt, was geholt "
    "werden kann und unter welcher Lizenz.",
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
    "degrade_ready": "Ein gutes Bild ablegen, wählen, was ihm zustoßen soll, und "
    "„Verschlechtern“ drücken.",
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
