"""The site that the tests look at: one for all their processes, kept in _build/test until something
it is made of changes. Of chapters that the tests have executed it takes the outputs.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import build_book
from filelock import FileLock

BUILT = build_book.ROOT / "_build" / "test" / "_build"  # Jupyter Book knows no other name


def lock() -> FileLock:
    """Held by the process that writes there."""
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(BUILT.parent / "lock")


def built() -> Path:
    """The folder of its pages, built fast where they are not there, with every warning an error.

    Raises:
        AssertionError: it cannot be built; with the end of what Jupyter Book printed.
    """
    command = [sys.executable, build_book.__file__, BUILT]
    fast = os.environ | {"NIN_BOOK_FAST": "1"}
    with lock():
        done = subprocess.run(command, env=fast, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return BUILT / "html"


def ran_as_for_a_site(chapter, cells) -> bool:
    """Whether nbval ran a chapter whole, fast, without a bar of progress and without an error."""
    outputs = [cell.test_outputs for cell in cells]
    if len(cells) < sum(cell.cell_type == "code" for cell in chapter.nb.cells) or None in outputs:
        return False
    fast = os.environ.get("NIN_BOOK_FAST") == os.environ.get("TQDM_DISABLE") == "1"
    kinds = {output.output_type for output in itertools.chain(*outputs)}
    return fast and not chapter.timed_out and "error" not in kinds


def keep(chapter, cells, circumstances: dict) -> None:
    """Keep what nbval got of a chapter's cells, if nobody has changed the ``circumstances`` since.

    Args:
        chapter: nbval's notebook, a collector of pytest.
        cells: its tests, one a code cell, after they ran.
        circumstances: of the book, when the tests began.
    """
    if ran_as_for_a_site(chapter, cells) and build_book.circumstances() == circumstances:
        with lock():
            build_book.renew(BUILT)
            outputs = [cell.test_outputs for cell in cells]
            build_book.keep(BUILT / ".jupyter_cache", chapter.path, outputs)
