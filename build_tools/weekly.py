"""Run what takes too long for each commit, step by step: chapters with Colab's versions, Keras on
JAX, the book in full, its links elsewhere, the slow tests, the figures in every width and in
Firefox, whole trainings in a page, Lighthouse.

A step that has passed is remembered for the state of the files it passed with; so after a stop, or
after one step was mended elsewhere, the same command goes on with the rest. What a step prints is
also in _build/weekly, one file a step.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from browser import FIREFOX, KNOWN

ROOT = Path(__file__).resolve().parent.parent
LIGHTHOUSE = "lighthouse@12.8.2"


def steps(folder: Path) -> dict[str, list[list[str]]]:
    """The commands of each step, in their order; ``folder`` is for what they write."""
    found = {
        "colab": [["make", "test-colab"]],
        "jax": [["make", "test-jax"]],
        "book": [["make", "book"]],
        "links": [["make", "links"]],  # of the book just built: a report
        "slow": [["make", "test-slow"]],
        "sweeps": [["make", "test-sweeps"]],
    }
    if any(map(shutil.which, FIREFOX)):
        found["firefox"] = [["make", "test-firefox"]]
    if any(map(shutil.which, KNOWN)):
        record = ["--record", str(folder / "train-here.json")]
        found["train here"] = [[sys.executable, "benchmarks/train_here.py", *record]]
    if shutil.which("npm"):
        install = ["npm", "install", "--prefix", "_build/lighthouse", LIGHTHOUSE]
        record = ["--record", str(folder / "lighthouse.json")]
        found["lighthouse"] = [install, [sys.executable, "benchmarks/lighthouse.py", *record]]
    return found


def state() -> str:
    """A name for the commit and for what differs from it."""

    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout

    commit = git("rev-parse", "--short=12", "HEAD").decode().strip()
    changes = git("diff", "HEAD") + git("ls-files", "--others", "--exclude-standard")
    return f"{commit}-{hashlib.sha256(changes).hexdigest()[:8]}" if changes else commit


def passes(name: str, commands: list[list[str]], log: Path) -> bool:
    """Run a step's commands, showing and keeping what they print, until one fails."""
    with log.open("w", encoding="utf-8") as file:
        for command in commands:
            said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            with subprocess.Popen(command, cwd=ROOT, **said) as process:
                for line in process.stdout:
                    print(line, end="", flush=True)
                    file.write(line)
            if process.returncode:
                return False
    return True


def main(build: Path = ROOT / "_build" / "weekly") -> int:
    """Run the steps that have not passed yet; 1 if one fails."""
    folder = build / state()
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = {}
    for name, commands in steps(folder).items():
        passed = folder / f"{name}.passed"
        if passed.exists():
            verdicts[name] = "passed before"
        elif passes(name, commands, folder / f"{name}.log"):
            passed.touch()
            verdicts[name] = "passed"
        else:
            verdicts[name] = f"FAILED, see {folder / name}.log"
    for name, verdict in verdicts.items():
        print(f"{name:12}{verdict}")
    return int(any(verdict.startswith("FAILED") for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
