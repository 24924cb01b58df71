"""Build the website: forget executed chapters where something they depend on has changed, execute
the chapters beside each other, then run Jupyter Book with every warning an error.

Jupyter Book's cache knows only the code of the cells. Everything else that decides their output is
hashed here: nin_lib, the records, the packages' versions, the budget (fast or full), the data set.
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

import nbformat

import nin_lib

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("torch", "torchvision", "keras", "matplotlib", "numpy", "jupyter-book")
# Chapter 7 trains in full and prints its seconds: Jupyter Book executes it last, on all cores.
ALONE = {"full": ("07_training_on_a_gpu.ipynb",), "fast": ()}
# In nin_lib, and yet in no chapter's output: a page takes these files in when it is written.
BUNDLES = ("nin_lib/live/*.mjs", "nin_lib/live/*.js")


def find_data_from_anywhere() -> None:
    """Make the folders of data absolute: chapters run in book/, where "../x" means another."""
    for variable in ("NIN_LIB_SOURCES", "NIN_LIB_DATA"):
        if folders := os.environ.get(variable):
            absolute = (str(Path(folder).resolve()) for folder in folders.split(os.pathsep))
            os.environ[variable] = os.pathsep.join(absolute)


def digest(*patterns: str, but: tuple[str, ...] = ()) -> str:
    """Of the project's files that match ``patterns`` and not ``but``."""
    contents = hashlib.sha256()
    left_out = {file for pattern in but for file in ROOT.glob(pattern)}
    files = {file for pattern in patterns for file in ROOT.glob(pattern)} - left_out
    for file in sorted(files):
        if file.is_file() and not {"__pycache__", ".ruff_cache"} & set(file.parts):
            contents.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return contents.hexdigest()


def budget() -> str:
    """``fast`` or ``full``: how much the chapters spend."""
    return "fast" if os.environ.get("NIN_BOOK_FAST") == "1" else "full"


def circumstances() -> dict:
    """Everything but the chapters' own code that their output depends on."""
    return {
        "code": digest("nin_lib/**/*", "records/*.json", "_config.yml", but=BUNDLES),
        "data": nin_lib.data.load("auto").name,
        "budget": budget(),
        "versions": {"python": sys.version.split()[0]} | {p: version(p) for p in PACKAGES},
    }


def run(program: str, *arguments, **more: str) -> int:
    """Run a program of this environment, with ``more`` in its environment; its exit status."""
    command = [str(Path(sys.executable).parent / program), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | more).returncode


def missing(cache: Path) -> list[Path]:
    """The chapters that the cache does not hold as they are, but for those that wait."""
    from jupyter_cache import get_cache

    known, found = get_cache(cache), []
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        try:
            known.match_cache_notebook(nbformat.read(path, as_version=4))
        except KeyError:
            found.append(path)
    return [path for path in found if path.name not in ALONE[budget()]]


def keep(cache: Path, path: Path, outputs: list[list]) -> None:
    """Put a chapter that was executed elsewhere into the cache, with the outputs of its cells.

    Without a history, as under nbval, IPython shows the value of a line that ends in a semicolon.
    """
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    chapter = nbformat.read(path, as_version=4)
    cells = (cell for cell in chapter.cells if cell.cell_type == "code")
    for count, (cell, made) in enumerate(zip(cells, outputs, strict=True), 1):
        silent = cell.source.rstrip().endswith(";")
        cell.outputs = [o for o in made if not (silent and o.output_type == "execute_result")]
        cell.execution_count = count
    get_cache(cache).cache_notebook_bundle(CacheBundleIn(chapter, str(path)), overwrite=True)


def execute(cache: Path) -> None:
    """Execute the chapters that are not in the cache, one a core, for Jupyter Book to find.

    A chapter that fails is left to Jupyter Book, which executes it again and shows its error.
    """
    cache.mkdir(exist_ok=True)  # else jcache asks whether it may make it
    if chapters := missing(cache):
        run("jcache", "notebook", "--cache-path", cache, "add", *chapters)
        how = ("--executor", "local-parallel", "--timeout", "900")
        run("jcache", "project", "--cache-path", cache, "execute", *how, OMP_NUM_THREADS="1")


def jupyter_book(output: Path, *options: str) -> int:
    """Run Jupyter Book on the book, with every warning an error; its exit status."""
    how = ("-n", "-W", "--keep-going", "--path-output", output.parent, *options)
    where = ("--config", ROOT / "_config.yml", "--toc", ROOT / "_toc.yml")
    return run(
        "jupyter-book", "build", "book", *how, *where, NIN_BOOK_MADE=str(output / "made.json")
    )


LEFT = (".doctrees", ".jupyter_cache", "html", "jupyter_execute")  # by a build, in its folder


def renew(output: Path) -> None:
    """Remove what a build left in ``output`` where it executed chapters under other circumstances.

    The rest of the folder stays: what the tests and the weekly run keep there.
    """
    made = output / "made.json"  # read by the page foot in nin_sphinx.py
    now = circumstances()
    before = json.loads(made.read_text()) if made.exists() else {}
    if {k: v for k, v in before.items() if k != "date"} != now:
        (output / "finished").unlink(missing_ok=True)
        for folder in LEFT:
            shutil.rmtree(output / folder, ignore_errors=True)
        output.mkdir(parents=True, exist_ok=True)
        now["date"] = datetime.now(UTC).date().isoformat()
        made.write_text(json.dumps(now, indent=1))


def build(output: Path) -> int:
    """Build into ``output``/html and return Jupyter Book's exit status. ``output`` is _build, here
    or in another folder: Jupyter Book knows no other name."""
    renew(output)
    finished = output / "finished"  # the sources of the pages that are there
    before = json.loads(finished.read_text()) if finished.exists() else {}
    now = {
        "pages": digest("book/**/*"),
        "frame": digest("build_tools/**/*", "book/_static/*", "_toc.yml", *BUNDLES),  # of all pages
    }
    page = output / "html" / "index.html"
    if page.exists() and before == now:
        print(f"Nothing has changed since the last build: {page}")
        return 0
    finished.unlink(missing_ok=True)
    if before.get("frame") != now["frame"]:
        shutil.rmtree(output / ".doctrees", ignore_errors=True)  # so Sphinx writes every page
    os.environ["TQDM_DISABLE"] = "1"
    execute(output / ".jupyter_cache")
    status = jupyter_book(output)
    if status:  # else the next build would find "nothing to do" and call the broken pages good
        shutil.rmtree(output / ".doctrees", ignore_errors=True)
    else:
        finished.write_text(json.dumps(now))
    return status


def links(output: Path) -> int:
    """Ask every other site that the built book links to, and print what did not simply answer.

    A report and no test: other sites fall silent for an hour, and that must not break the book.
    """
    answers = output / "linkcheck" / "output.txt"  # written by Sphinx, a line per address
    answers.unlink(missing_ok=True)
    if (output / "made.json").exists():
        jupyter_book(output, "-q", "--builder", "custom", "--custom-builder", "linkcheck")
    if not answers.exists():
        print("There are no links to ask for: make book, then again.", file=sys.stderr)
        return 1
    print(answers.read_text(encoding="utf-8") or "Every address elsewhere answers.")
    return 0


if __name__ == "__main__":
    find_data_from_anywhere()
    if sys.argv[1:] == ["--links"]:
        sys.exit(links(ROOT / "_build"))
    sys.exit(build(Path(sys.argv[1]).resolve() if sys.argv[1:] else ROOT / "_build"))
