"""Dependencies point down."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    {"errors"},
    {"params", "noise", "device_line", "seeds", "capacity", "memory_plan"},
    {"album_knobs"},
    {"protocol"},
    {"policy"},
    {
        "album_manifest",
        *("checkpoint_files", "fingerprints", "network_filling", "sizes"),
        "file_names",
        "png_chunks",
        "image_exif",
        "image_frames",
        "image_header",
        "image_pixels",
    },
    {
        *("runtime", "recipe", "image_io", "tiling", "colour", "prompts"),
        *("metrics", "metrics_windows", "metrics_bands", "metrics_blind", "metrics_niqe"),
        *("schedules", "samplers", "mean_reverting"),
    },
    {"latent_schedule", "classifier_free", "restoration_guidance", "run_database", "run_records"},
    {"runs"},
    {"dpm_solver", "karras"},
    {"karras_walks"},
    {"latent_walks"},
    {"operators", "denoisers", "problems"},
    {"spectra", "guidance", "tuning"},
    {
        "weights",
        "recognition",
        "blur_kernels",
        "wild_kernels",
        "jpeg",
        "networks",
        "album_pictures",
    },
    {"album_folder", "tiled_autoencoder", "feature_reuse", "switches"},
    {"album_archives", "latent_diffusion"},
    {"albums"},
    {"downloads", "conversion", "degradations", "random_degradations", "losses"},
    {"measure_table", "metrics_networks"},
    {"measures", "measures_iqa", "measuring"},
    {"wild_steps", "wild_degradations", "scene_degradations"},
    {"degradation_knobs"},
    {"degradation_kinds", "measurements", "face_squares", "faces"},
    {"face_restoring", "captions"},
    {"methods"},
    {"registry"},
    {"offers"},
    {"model_files"},
    {"stray_files"},
    {"front", "lent_gpu"},
    {"again", "listing", "snippets", "beside", "progress", "comparer", "pace"},
    {"course"},
    {"evaluation", "training"},
    {"album_jobs"},
    {
        "album_commands",
        "recognition_commands",
        "measure_commands",
        "weights_commands",
        "runs_commands",
    },
    {"__init__", "__main__"},
)
FLOOR = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = sorted(ROOT.glob("restoration/**/*.py"))


def layer_of(path):
    return path.relative_to(ROOT / "restoration").parts[0].removesuffix(".py")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def ours(path):
    """The layers of `restoration` that a module imports, itself left out."""
    names = (name.split(".") for name in imported(path))
    layers = {parts[1] for parts in names if parts[0] == "restoration" and len(parts) > 1}
    return layers - {layer_of(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_has_its_layer(path):
    assert layer_of(path) in FLOOR


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_from_below_or_beside(path):
    above = {name for name in ours(path) & FLOOR.keys() if FLOOR[name] > FLOOR[layer_of(path)]}
    assert not above - set(TYPES_ONLY.get(layer_of(path), ()))


TYPES_ONLY = {"protocol": ("runtime",), "runtime": ("image_io",)}
"""What is named in annotations only, or at the moment of use."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_gradio_stays_in_the_demo(path):
    assert not [name for name in imported(path) if name.split(".")[0] == "gradio"]
