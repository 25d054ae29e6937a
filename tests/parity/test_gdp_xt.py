"""GDP guided on x_t, at the mean and by way of the score, gives the published numbers."""

from torch.testing import assert_close

from tests.parity.gdp_replay import replay, x0_tolerance
from tests.tolerances import WALK

PACK = "gdp_xt"


def form_of(pack):
    return "score" if "score" in pack.path.stem else "x_t"


def test_the_samples_are_the_published_ones(pack):
    for task in pack.info["tasks"]:
        found = replay(pack, task, form_of(pack))[-1][1]
        assert_close(found, pack.tensors[f"out.{task}.sample"], atol=WALK, rtol=0)


def test_the_way_there_is_the_published_one(pack):
    for task in pack.info["tasks"]:
        made = replay(pack, task, form_of(pack))
        for name, want in pack.group(f"traj.{task}").items():
            kind, step = name.rsplit("_", 1)
            atol = x0_tolerance(pack, int(step)) if kind == "x0" else WALK
            assert_close(made[int(step)][("x0", "x").index(kind)], want, atol=atol, rtol=0)
