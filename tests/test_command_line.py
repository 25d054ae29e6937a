"""The command line restores, degrades, lists; what is wrong is one line."""

import json
import re
from functools import partial

import pytest
import torch

from restoration import image_io
from restoration.__main__ import COMMANDS, main, restore_command
from restoration.image_io import Picture
from restoration.listing import ALBUMS
from restoration.recipe import read_recipe
from restoration.registry import METHODS
from restoration.weights import metadata
from tests.fakes import GUIDED, registered


@pytest.fixture
def source(tmp_path):
    picture = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    return str(image_io.write(tmp_path / "in.png", Picture(image=picture)))


def said(capsys, *args):
    code = main(args)
    out, err = capsys.readouterr()
    return code, out, err


def test_methods_are_listed(capsys):
    code, out, _ = said(capsys, "methods")
    assert code == 0
    assert out.startswith("diffbir: ")
    assert "tiles.size" in out
    assert "[on, off; off]" in out


def test_the_knobs_of_all_methods_are_listed_as_tables(capsys):
    _, out, _ = said(capsys, "methods", "--markdown")
    assert "| `tiles.cut` | on, off | on | Cut pictures larger than one tile" in out
    assert out.count("| knob | values | default | what it does |") == len(METHODS) + len(ALBUMS)


def test_the_knobs_of_albums_are_listed_as_tables(capsys):
    _, out, _ = said(capsys, "methods", "--markdown")
    _, albums = out.split("\n## Albums\n")
    assert "### `album generate`\n\nHow a generative album is made" in albums
    assert "| `samples` | 1 to 64 | 16 | Pictures in the album; the paper takes 16. |" in albums
    assert "### `album train`\n\nHow a prior is fine-tuned on an album" in albums
    assert "| `rank` | 1 to 128 | 8 | " in albums


def test_a_table_says_when_a_knob_matters(capsys):
    _, out, _ = said(capsys, "methods", "--markdown")
    assert "(Only where `problem.missing` is random.) |" in out
    assert "(Only where `guidance.on` is on.) |" in out


def test_methods_are_listed_for_programs(capsys):
    _, out, _ = said(capsys, "methods", "--json")
    method, *_ = json.loads(out)
    assert method["name"] == "diffbir"
    assert {"stages", "upscale", "tiles.size"} <= {knob["name"] for knob in method["knobs"]}


def test_programs_are_told_what_to_line_up(capsys):
    _, out, _ = said(capsys, "methods", "--json")
    sweep, *_ = {method["name"]: method for method in json.loads(out)}["gen2res"]["sweeps"]
    assert sweep.keys() == {"name", "help", "settings"}
    assert [one["noise_step"] for one in sweep["settings"]] == [200, 400, 600]


def test_a_picture_is_restored(capsys, source, tmp_path):
    target = str(tmp_path / "out.png")
    args = ("--seed", "3", "--upscale", "2", "--tiles.size", "64", "--variant", "mini")
    code, out, _ = said(capsys, "restore", "diffbir", source, target, *args)
    assert code == 0
    assert "seed 3" in out
    recipe = read_recipe(tmp_path / "out.png")
    assert recipe.seed == 3
    assert recipe.knobs["tiles.size"] == 64


def test_a_picture_is_degraded(capsys, source, tmp_path):
    target = tmp_path / "bad.png"
    args = ("--kind", "noise", "--sigma", "50", "--seed", "1")
    assert said(capsys, "degrade", source, str(target), *args)[0] == 0
    bad, clean = image_io.read(target).image, image_io.read(source).image
    assert 20 < (bad - clean).std() * 255 < 50


def test_fixed_degradations_need_no_knobs(capsys, source, tmp_path):
    assert said(capsys, "degrade", source, str(tmp_path / "b.png"), "--kind", "mixed")[0] == 0


def test_methods_are_evaluated(capsys, source, tmp_path):
    folder, out_folder = tmp_path / "clean", tmp_path / "report"
    folder.mkdir()
    image_io.write(folder / "one.png", image_io.read(source))
    args = ("--clean", str(folder), "--kind", "noise25", "--out", str(out_folder))
    code, out, _ = said(capsys, "evaluate", "diffbir", *args, "--limit", "1", "--variant", "mini")
    assert code == 0
    assert "report" in out
    report = json.loads((out_folder / "report.json").read_text())
    assert report["labels"] == ["input", "diffbir"]


def test_weights_are_listed(capsys):
    _, out, _ = said(capsys, "weights", "list")
    assert "mini-swinir              bundled                  3.3 MB" in out
    assert "swinir-v2.1              missing                  about 90 MB    Apache-2.0" in out
    assert "base-256         missing                  about 500 MB   Adobe Research" in out
    assert " on disk, " in out


def test_fetching_says_the_licence_and_takes_what_is_there(capsys):
    code, out, err = said(capsys, "weights", "fetch", "mini-swinir")
    assert code == 0
    assert "non-commercial research" in err
    assert out.strip().endswith("swinir.safetensors")


def test_a_restricted_licence_is_shown_in_full_and_has_to_be_accepted(capsys):
    code, out, err = said(capsys, "weights", "fetch", "gen2res-base-256")
    assert (code, out) == (1, "")
    assert "for noncommercial research purposes (i.e., academic research and teaching) only" in err
    assert "read it, and if you agree give `--accept-licence`.\n" in err


def test_weights_are_verified(capsys):
    assert "sound: " in said(capsys, "weights", "verify")[1]


@pytest.mark.parametrize(
    ("recipe", "size"),
    [("stage1", ("--channels", "48", "--blocks", "1")), ("prior", ("--channels", "32"))],
)
def test_training_runs(recipe, size, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_STATE", str(tmp_path))
    args = ("--steps", "1", "--batch", "1", "--side", "32", "--drawn", "1", *size)
    out = tmp_path / "trained.safetensors"
    code, _, _ = said(capsys, "train", recipe, *args, "--out", str(out))
    assert code == 0
    assert metadata(out)["recipe"] == recipe


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    assert "usage: " in capsys.readouterr().out


def test_the_whole_explains_itself(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "restore diffbir" in capsys.readouterr().out


@pytest.mark.parametrize("group", sorted({name.split()[0] for name in COMMANDS if " " in name}))
def test_a_group_of_commands_tells_what_is_in_it(group, capsys):
    with pytest.raises(SystemExit) as stop:
        main([group, "--help"])
    assert stop.value.code == 0
    _, *told = capsys.readouterr().out.splitlines()
    assert told == [name for name in COMMANDS if name.startswith(f"{group} ")]


WRONG = [
    ([], r"no such command: \(none\)"),
    (["nonsense"], r"no such command: nonsense \(known: methods, restore diffbir"),
    (["restore", "nope", "a", "b"], r"no such command: restore nope \(known: restore d"),
    (["runs"], r"no such command: runs \(known: runs list"),
    (["restore", "diffbir", "a"], "where the result goes"),
    (["restore", "diffbir", "in.png", "o.png", "--upscale", "x"], "could not convert .*'x'"),
    (["restore", "diffbir", "in.png", "o.png", "--upscale", "9"], "upscale: .*less than .* 8"),
    (["restore", "diffbir", "in.png", "o.png", "--what", "9"], "Unrecognized options: --what"),
    (["restore", "diffbir", "in.png", "o.png", "--variant", "v9"], "no variant 'v9'"),
    (["restore", "diffbir", "in.png", "o.png", "--seed", "-1"], "seed: takes a whole number"),
    (["degrade", "in.png", "o.png", "--kind", "nope"], "nope.*noise"),
    (["degrade", "in.png", "o.png"], "--kind"),
    (["weights", "verify", "nope"], "no checkpoint 'nope'"),
]


@pytest.mark.parametrize(("args", "text"), WRONG, ids=[" ".join(args) for args, _ in WRONG])
def test_wrong_arguments_are_one_line_and_exit_code_2(args, text, capsys, source):
    code, out, err = said(capsys, *(source if arg == "in.png" else arg for arg in args))
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert re.search(text, err)


def test_what_can_be_mended_is_one_line_and_exit_code_1(capsys, tmp_path):
    bad = tmp_path / "in.png"
    bad.write_bytes(b"%PDF-1.7")
    code, _, err = said(capsys, "restore", "diffbir", str(bad), str(tmp_path / "o.png"))
    assert code == 1
    assert "PDF" in err
    assert err.count("\n") == 1


@pytest.fixture
def guided():
    with registered(*GUIDED) as methods:
        for name in methods:
            COMMANDS.setdefault(f"restore {name}", partial(restore_command, name))
        yield
        for method in GUIDED:
            del COMMANDS[f"restore {method.name}"]


def test_a_mask_is_an_option_and_what_was_measured_is_told(capsys, guided, source, tmp_path):
    mask = torch.zeros(1, 3, 24, 40)
    mask[..., :4] = 1
    image_io.write(tmp_path / "mask.png", Picture(image=mask))
    target = str(tmp_path / "out.png")
    args = ("--mask", str(tmp_path / "mask.png"), "--problem.missing", "drawn")
    code, out, _ = said(capsys, "restore", "fill", source, target, *args)
    assert (code, ", consistency 3.21" in out) == (0, True)
    assert (image_io.read(target).image[0, 0] == 1)[:, :4].all()


def test_exposures_are_an_option(capsys, guided, source, tmp_path):
    args = (source, str(tmp_path / "out.png"), "--exposures", source, source)
    assert said(capsys, "restore", "merge", *args)[0] == 0


def test_a_method_without_need_of_a_mask_has_no_option_for_it(capsys, source, tmp_path):
    args = (source, str(tmp_path / "out.png"), "--mask", source)
    code, _, err = said(capsys, "restore", "diffbir", *args)
    assert (code, "--mask" in err) == (2, True)
