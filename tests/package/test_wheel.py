"""The package as pip installs it: every file of it, and it works without the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
USE = """
import nin_lib
from nin_lib import data, models, records
[record] = records.load("pocket", "fashion-mnist")[:1]
print(nin_lib.__file__, records.folder(), record["seed"], data.NAMES[0], sep="\\n")
print(models.pocket_nin(trained=True).training)
"""


def python(*arguments, **options) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked(root):
    """What git knows of the package and of the records."""
    if not (root / ".git").exists():
        pytest.skip("no git repository here")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "nin_lib", "records"], cwd=root, capture_output=True, check=True
    )
    return listing.stdout.decode().strip("\0").split("\0")


@pytest.fixture(scope="module")
def wheel(root, tracked, tmp_path_factory):
    """Built from the tracked files alone; pip would do the same, after a look at the network."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*tracked, "pyproject.toml", "README.md", "LICENSE"):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / "source" / name)
    (folder / "built").mkdir()
    python("-c", BUILD, folder / "built", cwd=folder / "source")
    [built] = (folder / "built").glob("nin_lib-*-py3-none-any.whl")
    return built


def test_the_wheel_holds_every_tracked_file_and_no_other(wheel, tracked):
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {f"nin_lib/_{n}" if n.startswith("records/") else n for n in tracked}
    assert packed == wanted


@pytest.mark.slow
def test_the_installed_wheel_reads_records_and_loads_weights(wheel, tmp_path):
    to = ["--no-deps", "--no-index", "--no-compile", "--target", tmp_path / "site"]
    python("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *to, wheel)
    alone = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    package, folder, seed, first, training = python("-c", USE, cwd=tmp_path, env=alone).splitlines()
    inside = tmp_path / "site" / "nin_lib"
    assert (package, folder) == (str(inside / "__init__.py"), str(inside / "_records"))
    assert (seed, first, training) == ("0", "fashion-mnist", "False")
