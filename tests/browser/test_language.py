"""The page speaks the language of the browser, and what it has no words for stays English."""


def german(visit, **settings):
    one = visit(locale="de-DE", **settings)
    one.page.get_by_role("tab", name="Vergleichen", exact=True).wait_for()
    return one


def test_a_german_browser_is_spoken_to_in_german(visit):
    said = german(visit).page.inner_text("body")
    wanted = (
        "Ein Foto mit mehreren Verfahren",
        "Verschlechtern",
        "Starten",
        "Läufe",
        "Bilder bleiben",
    )
    assert [words for words in wanted if words not in said] == []


def test_a_german_browser_is_told_in_german_how_to_begin(visit):
    one = german(visit)
    assert "Verstanden" in one.page.inner_text(".walk")
    assert "Das Ergebnis erscheint hier." in one.page.inner_text("#diffbir-live")


def test_a_run_begun_in_german_ends_like_any_other(visit, photograph):
    one = german(visit).tab("Smooth").drop("smooth-picture", photograph)
    one.page.locator("#smooth-run").get_by_text("Starten").click()
    one.told("smooth-status", "Done in")


def test_a_language_without_words_is_answered_in_english(visit):
    one = visit(locale="fr-FR")
    assert one.page.inner_text("#diffbir-run").strip() == "Run"


def test_words_that_lead_to_another_tab_name_it_as_it_is_called(visit):
    one = german(visit)
    assert "„Verschlechtern“" in one.tab("Vergleichen").page.inner_text("p.lead:visible")
    one.tab("Verschlechtern")
    assert one.page.inner_text("#degrade-run").strip() == "Verschlechtern"
