"""Dependencies point down."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    {"errors", "degradations", "image_files", "latent"},  # the last three are folders only
    {"params", "variables", "noise", "device_line", "seeds", "capacity", "memory_plan"},
    {"albums.knobs"},
    {"protocol"},
    {"policy"},
    {
        "albums.manifest",
        *("weights.files", "weights.fingerprints", "weights.filling", "sizes"),
        "file_names",
        "zip_files",
        "image_files.png_chunks",
        "image_files.exif",
        "image_files.frames",
        "image_files.header",
        "image_files.pixels",
    },
    {
        *("runtime", "recipe", "image_io", "tiling", "colour", "latent.prompts"),
        *("metrics", "metrics.windows", "metrics.bands", "metrics.blind", "metrics.niqe"),
        *("schedules", "samplers", "mean_reverting"),
    },
    {
        "latent.schedule",
        "latent.classifier_free",
        "latent.restoration_guidance",
        "runs.database",
        "runs.records",
        "guests",
    },
    {"runs"},
    {"dpm_solver", "karras"},
    {"karras_walks"},
    {"latent.walks"},
    {"operators", "denoisers", "problems"},
    {"spectra", "guidance", "tuning"},
    {
        "weights",
        "recognition",
        "degradations.blur_kernels",
        "degradations.wild_kernels",
        "degradations.jpeg",
        "networks",
        "albums.pictures",
    },
    {"albums.folder", "latent.tiled_autoencoder", "latent.feature_reuse", "latent.switches"},
    {"albums.archives", "latent.diffusion"},
    {"albums"},
    {
        "weights.downloads",
        "weights.conversion",
        "degradations.single",
        "degradations.random",
        "losses",
    },
    {"measures.table", "metrics.networks"},
    {"measures", "measures.iqa", "measures.taking"},
    {"degradations.wild_steps", "degradations.wild", "degradations.scenes"},
    {"degradations.knobs"},
    {"degradations.kinds", "measurements", "faces.squares", "faces"},
    {"faces.restoring", "latent.captions"},
    {"methods"},
    {"registry"},
    {"offers"},
    {"weights.models"},
    {"weights.strays"},
    {"front", "lent_gpu"},
    {"again", "listing", "snippets", "beside", "progress", "comparer", "pace"},
    {"course"},
    {"evaluation", "training"},
    {"albums.jobs"},
    {
        "albums.commands",
        "recognition_commands",
        "measures.commands",
        "weights.commands",
        "runs.commands",
    },
    {"__init__", "__main__"},
)
FLOOR = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = sorted(ROOT.glob("restoration/**/*.py"))


def floor_of(name):
    """The longest beginning of a module's dotted name that stands in the table."""
    parts = name.split(".")
    beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((beginning for beginning in beginnings if beginning in FLOOR), name)


def layer_of(path):
    """As `floor_of`, for a file."""
    name = ".".join(path.relative_to(ROOT / "restoration").with_suffix("").parts)
    return floor_of(name.removesuffix(".__init__"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def ours(path):
    """The layers of `restoration` that a module imports, itself left out."""
    names = (name for name in imported(path) if name.startswith("restoration."))
    return {floor_of(name.removeprefix("restoration.")) for name in names} - {layer_of(path)}


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
