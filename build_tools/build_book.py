"""Build the website: forget executed chapters where something they depend on has changed, execute
the chapters beside each other, then run Jupyter Book with every warning an error.

Jupyter Book's cache knows only the code of the cells. What else decides their output is hashed
here: nin_lib, the records, the packages' versions, the budget (fast or full), the data set.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from nin_lib import data

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("torch", "torchvision", "keras", "matplotlib", "numpy", "jupyter-book")
# Trains in full and prints its seconds: Jupyter Book executes it afterwards, on all cores.
ALONE = ("05_training_nin.ipynb",)


def find_data_from_anywhere() -> None:
    """Make the folders of data absolute: chapters run in book/, where "../x" means another."""
    for variable in ("NIN_LIB_SOURCES", "NIN_LIB_DATA"):
        if folders := os.environ.get(variable):
            absolute = (str(Path(folder).resolve()) for folder in folders.split(os.pathsep))
            os.environ[variable] = os.pathsep.join(absolute)


def digest(*patterns: str) -> str:
    """Of the project's files that match."""
    contents = hashlib.sha256()
    for file in sorted(file for pattern in patterns for file in ROOT.glob(pattern)):
        if file.is_file() and not {"__pycache__", ".ruff_cache"} & set(file.parts):
            contents.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return contents.hexdigest()


def circumstances() -> dict:
    """Everything but the chapters' own code that their output depends on."""
    return {
        "code": digest(
            "nin_lib/**/*", "records/*.json", "build_tools/nin_sphinx.py", "_config.yml"
        ),
        "data": data.load("auto").name,
        "budget": "fast" if os.environ.get("NIN_BOOK_FAST") == "1" else "full",
        "versions": {"python": sys.version.split()[0]} | {p: version(p) for p in PACKAGES},
    }


def run(program: str, *arguments, **more: str) -> int:
    """Run a program of this environment, with ``more`` in its environment; its exit status."""
    command = [str(Path(sys.executable).parent / program), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | more).returncode


def execute(cache: Path) -> None:
    """Execute the chapters that are not in the cache, one a core, for Jupyter Book to find.

    A chapter that fails is left to Jupyter Book, which executes it again and says what went wrong.
    """
    cache.mkdir(exist_ok=True)  # else jcache asks whether it may make it
    done = cache / "done"  # when all of this last ran
    chapters = [path for path in (ROOT / "book").glob("*.ipynb") if path.name not in ALONE]
    if done.exists() and done.stat().st_mtime > max(path.stat().st_mtime for path in chapters):
        return
    run("jcache", "notebook", "--cache-path", cache, "add", *sorted(chapters))
    how = ("--executor", "local-parallel", "--timeout", "900")
    run("jcache", "project", "--cache-path", cache, "execute", *how, OMP_NUM_THREADS="1")
    done.touch()


def jupyter_book(output: Path, *options: str) -> int:
    """Run Jupyter Book on the book, with every warning an error; its exit status."""
    how = ("-n", "-W", "--keep-going", "--path-output", output.parent, *options)
    where = ("--config", ROOT / "_config.yml", "--toc", ROOT / "_toc.yml")
    return run(
        "jupyter-book", "build", "book", *how, *where, NIN_BOOK_MADE=str(output / "made.json")
    )


def build(output: Path) -> int:
    """Build into ``output``/html and return Jupyter Book's exit status."""
    made = output / "made.json"  # read by the page foot in nin_sphinx.py
    now = circumstances()
    before = json.loads(made.read_text()) if made.exists() else {}
    if {k: v for k, v in before.items() if k != "date"} != now:
        if output.exists():
            shutil.rmtree(output)
        output.mkdir(parents=True)
        now["date"] = datetime.now(UTC).date().isoformat()
        made.write_text(json.dumps(now, indent=1))
    finished = output / "finished"  # which sources the pages that stand were made from
    sources = digest("book/**/*", "build_tools/**/*", "_toc.yml")
    page = output / "html" / "index.html"
    if page.exists() and finished.exists() and finished.read_text() == sources:
        print(f"Nothing has changed since the last build: {page}")
        return 0
    finished.unlink(missing_ok=True)
    os.environ["TQDM_DISABLE"] = "1"
    execute(output / ".jupyter_cache")
    status = jupyter_book(output)
    if status:  # else the next build would find "nothing to do" and call the broken pages good
        shutil.rmtree(output / ".doctrees", ignore_errors=True)
    else:
        finished.write_text(sources)
    return status


if __name__ == "__main__":
    find_data_from_anywhere()
    sys.exit(build(ROOT / "_build"))
