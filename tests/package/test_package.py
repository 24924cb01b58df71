"""What importing nin_lib costs and pulls in, and that it installs alone."""

import subprocess
import sys
import tomllib


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_nin_lib_pulls_in_neither_matplotlib_nor_ipywidgets():
    drawing = ("live", "plot")  # which are for pictures
    everything = (
        f"import nin_lib, sys; [getattr(nin_lib, m) for m in nin_lib.__all__ if m not in {drawing}]"
    )
    loaded = python(f"{everything}; print(*sys.modules)").split()
    for heavy in ("matplotlib", "ipywidgets", "torchvision", "IPython"):
        assert heavy not in loaded


def test_importing_nin_lib_adds_at_most_a_twentieth_to_importing_torch():
    """The processor's time in one process, its modules included; the best of three."""
    code = (
        "import time; a = time.process_time(); import torch; b = time.process_time(); "
        "import nin_lib.train; print((time.process_time() - b) / (b - a))"
    )
    assert min(float(python(code)) for _ in range(3)) < 0.05


def test_an_unknown_module_is_named():
    code = "import nin_lib\ntry: nin_lib.modles\nexcept AttributeError as e: print(e)"
    assert "no module 'modles'" in python(code)


def test_the_package_has_lower_bounds_only_and_no_numpy(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for requirement in project["dependencies"]:
        assert not requirement.startswith("numpy")
        assert not set("<=!~") & set(requirement.replace(">=", "")), requirement
