"""What importing nin_lib costs and pulls in, and that it installs alone."""

import subprocess
import sys
import tomllib

import pytest


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_nin_lib_pulls_in_neither_matplotlib_nor_ipywidgets():
    drawing = ("live", "plot")  # which need these packages
    everything = (
        f"import nin_lib, sys; [getattr(nin_lib, m) for m in nin_lib.__all__ if m not in {drawing}]"
    )
    loaded = python(f"{everything}; print(*sys.modules)").split()
    for heavy in ("matplotlib", "ipywidgets", "torchvision", "IPython"):
        assert heavy not in loaded


def test_importing_nin_lib_adds_at_most_a_twentieth_to_importing_torch():
    """The processor's time in one process, its modules included; once in three tries."""
    code = (
        "import time; a = time.process_time(); import torch; b = time.process_time(); "
        "import nin_lib.train; print((time.process_time() - b) / (b - a))"
    )
    assert any(float(python(code)) < 0.05 for _ in range(3))


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
    code = "import nin_lib\ntry: nin_lib.modles\nexcept AttributeError as e: print(e)"
    assert "no module 'modles'" in python(code)


def test_the_package_has_lower_bounds_only_and_no_numpy(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for requirement in project["dependencies"]:
        assert not requirement.startswith("numpy")
        assert not set("<=!~") & set(requirement.replace(">=", "")), requirement
