"""What importing nin_lib costs and pulls in, in a fresh process; and that it installs alone."""

import json
import subprocess
import sys
import tomllib
from typing import NamedTuple

import pytest
import torch

import nin_lib


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


FRESH = """
import json, sys, time
start = time.process_time()
import torch
between = time.process_time()
import nin_lib.train
share = (time.process_time() - between) / (between - start)

from nin_lib import check
def chapters():
    return [name[-9:] for name in sys.modules if ".chapter" in name]
known = [chapters()]
check.answer("1.1")
known.append(chapters())

drawing = "live", "plot"  # which need these packages
[getattr(nin_lib, name) for name in nin_lib.__all__ if name not in drawing]
loaded = list(sys.modules)

def faults():
    import resource
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(12_000_000)  # 48 MB; up to 32 MB the C library may keep them unasked
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
pages = []
if sys.platform == "linux":
    from nin_lib.train import hardware
    pages = [faults(), hardware.keep_freed_memory() and faults() and faults()]

threads = torch.get_num_threads()
print(json.dumps([share, known, loaded, pages, threads]))
"""


class Fresh(NamedTuple):
    """What one process that began with ``import torch`` has seen."""

    share: float  # the processor's time to import nin_lib.train, of that to import torch
    chapters: list[list[str]]  # those imported after nin_lib.check, and after an answer
    loaded: list[str]  # the modules, when all of nin_lib but what draws had been imported
    faults: list[int]  # page faults of twenty large tensors, by default and when memory is kept
    threads: int


def look() -> Fresh:
    return Fresh(*json.loads(python(FRESH)))


@pytest.fixture(scope="module")
def fresh():
    """One process for all: most of its time goes by with importing torch."""
    return look()


def test_importing_nin_lib_pulls_in_neither_matplotlib_nor_ipywidgets(fresh):
    for heavy in ("matplotlib", "ipywidgets", "torchvision", "IPython"):
        assert heavy not in fresh.loaded


def test_importing_nin_lib_adds_at_most_a_twentieth_to_importing_torch(fresh):
    """The processor's time in one process, its modules included; once in three tries."""
    assert fresh.share < 0.05 or any(look().share < 0.05 for _ in range(2))


def test_chapters_are_imported_when_asked_for(fresh):
    assert fresh.chapters == [[], ["chapter01"]]


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has this setting")
def test_freed_memory_is_kept_for_the_next_step(fresh):
    by_default, kept = fresh.faults
    assert kept < by_default / 5


def test_a_process_that_a_test_starts_counts_on_its_share_of_the_cores(fresh):
    assert fresh.threads == torch.get_num_threads()


ALONE = """
import dataclasses, torch
import torch.distributed as dist
from nin_lib import data, train
from nin_lib.recipes import RECIPES

def refuse(*_, **__):
    raise AssertionError("torch.distributed was called")

for name in ("init_process_group", "all_reduce", "broadcast", "barrier", "get_backend"):
    setattr(dist, name, refuse)
images, labels = torch.randint(0, 256, (60, 1, 28, 28), dtype=torch.uint8), torch.arange(60) % 10
small = data.ImageData("small", tuple("0123456789"), images, labels, images, labels, "0" * 64)
recipe = dataclasses.replace(RECIPES["pocket"], epochs=1, batch_size=20)
assert train.fit(recipe.network(), small, recipe, device="cpu", show=False).result
print(dist.is_initialized())
"""


@pytest.mark.slow
def test_training_in_a_single_process_never_touches_torch_distributed():
    assert python(ALONE) == "False"


def test_an_unknown_module_is_named():
    with pytest.raises(AttributeError, match="no module 'modles'"):
        _ = nin_lib.modles


def test_the_package_has_lower_bounds_only_and_no_numpy(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for requirement in project["dependencies"]:
        assert not requirement.startswith("numpy")
        assert not set("<=!~") & set(requirement.replace(">=", "")), requirement
