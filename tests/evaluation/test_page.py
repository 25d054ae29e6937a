"""`report.html` and what lies beside it."""

import json
import re

import pytest
from PIL import Image

from restoration.evaluation import page, shown
from restoration.evaluation.form import INPUT
from restoration.evaluation.items import found
from tests.evaluated import draw, evaluated, failed, report, row

HOSTILE = "<img src=x onerror=alert(1)>&amp; \"q\" 'r' </script>.png"


@pytest.fixture(autouse=True, scope="module")
def libraries():
    """Imported once and outside any test's time."""
    import restoration.image_io  # noqa: F401


def written(folder, names=("a.png", "sub/b.png")):
    out, made, items = evaluated(folder, names)
    page.write(out, made, items)
    return out, made, items


def data_of(out):
    text = (out / "report.html").read_text()
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1))


def test_the_page_the_csv_and_the_pictures_are_written(tmp_path):
    out, _, _ = written(tmp_path)
    assert (out / "report.csv").exists()
    assert sorted(p.relative_to(out / "report").as_posix() for p in out.rglob("report/**/*.*")) == [
        "clean/a.png",
        "clean/sub/b.png",
        *(
            f"thumbnails/{label}/{name}.webp"
            for label in ("input", "report/clean", "sharp", "smooth")
            for name in ("a", "sub/b")
        ),
    ]


def test_the_same_rows_give_the_same_bytes(tmp_path):
    first = written(tmp_path / "one")[0] / "report.html"
    second = written(tmp_path / "two")[0] / "report.html"
    assert first.read_bytes() == second.read_bytes()


def test_what_is_there_is_not_made_again(tmp_path):
    out, made, items = written(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (out / "report").rglob("*.*")}
    page.write(out, made, items)
    assert before == {path: path.stat().st_mtime_ns for path in (out / "report").rglob("*.*")}


def test_a_picture_that_changed_is_copied_again(tmp_path):
    out, made, items = written(tmp_path, ("a.png",))
    draw(items[0].source, 5, (20, 10))
    page.write(out, made, items)
    assert shown.size_of(out / "report/clean/a.png") == (20, 10)


def test_thumbnails_are_small(tmp_path):
    out, made, items = evaluated(tmp_path, ["a.png"])
    draw(out / "smooth/a.png", size=(900, 300))
    page.write(out, made, items)
    assert shown.size_of(out / "report/thumbnails/smooth/a.webp") == (192, 64)


def test_a_clean_picture_that_is_gone_is_not_shown(tmp_path):
    out, made, items = evaluated(tmp_path, ["a.png"])
    items[0].source.unlink()
    page.write(out, made, items)
    assert data_of(out)["pictures"][0]["clean"] is None


def test_given_inputs_are_copied_as_a_browser_can_show_them(tmp_path):
    draw(tmp_path / "bad/a.tif", size=(8, 6))
    draw(tmp_path / "good/a.png", size=(8, 6))
    rows = [row("a.tif", INPUT, file=None), row("a.tif", "smooth"), row("a.tif", "sharp")]
    items = found(tmp_path / "good", tmp_path / "bad").items
    page.write(tmp_path, report(["a.tif"], rows, "paired"), items)
    with Image.open(tmp_path / "report/input/a.png") as image:
        assert (image.format, image.size) == ("PNG", (8, 6))
    assert data_of(tmp_path)["pictures"][0]["sizes"][0] == [8, 6]


def test_names_and_errors_stay_text(tmp_path):
    made = report([HOSTILE], [row(HOSTILE, INPUT), failed(HOSTILE, "smooth", "<b>broken")])
    made["labels"] = [INPUT, "smooth"]
    made["left_out"] = [{"name": "<i>clean", "why": "<u>no"}]
    text = page.as_html(made, tmp_path)
    assert [tag for tag in ("<img", "<b>", "<i>", "<u>") if tag in text] == []
    assert text.count("</script>") == 2


def test_addresses_of_pictures_are_encoded(tmp_path):
    out, _, _ = written(tmp_path, ["100% #1?.png", "é b.png"])
    files = [picture["file"] for picture in data_of(out)["pictures"]]
    assert files == ["100%25%20%231%3F.png", "%C3%A9%20b.png"]


def test_only_the_script_of_the_page_may_run(tmp_path):
    text = (written(tmp_path)[0] / "report.html").read_text()
    assert "script-src 'sha256-" in text
    assert "default-src 'none'" in text


def test_every_contender_has_its_mean_and_its_interval(tmp_path):
    text = (written(tmp_path)[0] / "report.html").read_text()
    assert text.count("<small>") >= 3 * 2


def test_two_contenders_are_compared_picture_by_picture(tmp_path):
    out, _, _ = written(tmp_path, [f"{i}.png" for i in range(6)])
    first, second, mean, low, high, wins, *_ = data_of(out)["pairs"][0][0]
    assert (first, second, wins) == (0, 1, 6)
    assert 2.8 < low < mean < high < 3.2


def test_folders_have_means_of_their_own(tmp_path):
    text = (written(tmp_path)[0] / "report.html").read_text()
    assert "<summary>Outside of any folder (1)</summary>" in text
    assert "<summary>sub (1)</summary>" in text


def test_means_over_different_pictures_are_pointed_out(tmp_path):
    out, made, _ = evaluated(tmp_path, ["a.png", "b.png"])
    made["rows"][1] = failed("a.png", "smooth", "It broke.")
    assert "Not all are means over the same pictures" in page.as_html(made, out)


def test_what_is_still_to_be_made_is_told(tmp_path):
    out, made, _ = evaluated(tmp_path, ["a.png"])
    made["rows"][1]["status"] = "open"
    assert "1 restoration is still to be made" in page.as_html(made, out)


def test_a_contender_without_numbers_has_a_dash(tmp_path):
    out, made, _ = evaluated(tmp_path, ["a.png"])
    made["rows"][2] = failed("a.png", "sharp", "It broke.")
    assert "<td>0</td><td>\N{EN DASH}</td>" in page.as_html(made, out)


def test_further_numbers_stand_behind_a_line(tmp_path):
    out, made, _ = evaluated(tmp_path, ["a.png"])
    made["plan"]["measures"]["gradients"] = "1"
    first, _, rest = page.as_html(made, out).partition("<summary>Further numbers</summary>")
    assert ("PSNR" in first, "Edges kept" in first) == (True, False)
    assert "Edges kept" in rest
