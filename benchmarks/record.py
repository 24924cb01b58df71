"""Measure what has no record yet, the most valuable first, within a time.

    python benchmarks/record.py --minutes 30            # a laptop's list, into records/
    python benchmarks/record.py --list                  # what there is, and what is missing
    python benchmarks/record.py --only 'added-*' 'without-*' --share 1/2    # beside one with 2/2
    python benchmarks/record.py --device cuda --minutes 9 --out runs --pack runs.json
    python benchmarks/record.py --unpack runs.json      # write a packed file into records/
    python benchmarks/record.py --gpu --dry --out dry   # two steps of each, as a trial

It may be stopped at any moment: a finished run has its record, written whole; an unfinished one
keeps its checkpoint in the folder ``unfinished`` and continues next time. Without a GPU the laptop
list is measured, with one the GPU list.
"""

import argparse
import fnmatch
import json
import sys
import time
import traceback
from pathlib import Path

from jobs import Job, gpu, laptop

from nin_lib import records
from nin_lib.train import hardware, run


def missing(jobs: list[Job], folder: Path) -> list[Job]:
    """The jobs without a complete record in ``folder`` or in the project."""

    def done(job: Job) -> bool:
        for place in (folder, records.folder()):
            path = place / f"{job.name}.json"
            if path.exists():
                return json.loads(path.read_text(encoding="utf-8")).get("complete", True)
        return False

    return [job for job in jobs if not done(job)]


def pack(folder: Path, target: Path) -> None:
    """All records of a folder as one file, name → record."""
    packed = {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in folder.glob("*.json")}
    run.write(target, packed)


def unpack(source: Path, folder: Path) -> None:
    """Write a packed file as one file per record."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, record in json.loads(source.read_text(encoding="utf-8")).items():
        run.write(folder / f"{name}.json", record)
        print(folder / f"{name}.json")


def share(text: str) -> tuple[int, int]:
    """``2/3`` as two numbers, of which the first is from 1 to the second."""
    number, of = map(int, text.split("/"))
    if not 1 <= number <= of:
        raise ValueError
    return number, of


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30, help="stop after so long (30)")
    parser.add_argument("--device", help="cuda, mps or cpu (the best at hand)")
    only = "jobs whose name matches one, as in 'pocket-seed*'"
    parser.add_argument("--only", nargs="+", default=["*"], metavar="PATTERN", help=only)
    part = "every Nth of these from the Ith on, for one of N processes"
    parser.add_argument("--share", type=share, default=(1, 1), metavar="I/N", help=part)
    parser.add_argument("--out", type=Path, default=records.folder(), help="folder (records/)")
    parser.add_argument("--pack", type=Path, help="also write all of that folder to this one file")
    parser.add_argument("--unpack", type=Path, help="unpack such a file, and do nothing else")
    parser.add_argument("--gpu", action="store_true", help="the GPU list, whatever the device")
    parser.add_argument("--dry", action="store_true", help="two steps of everything in the list")
    parser.add_argument("--list", action="store_true", help="show the list, and do nothing else")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.unpack:
        unpack(options.unpack, options.out)
        return 0
    device = hardware.pick_device(options.device)
    jobs = gpu() if options.gpu or device.type == "cuda" else laptop()
    if options.dry:
        if options.out.resolve() == records.folder().resolve():
            parser.error("a dry run makes no records: name a folder of its own with --out")
        jobs = [Job(job.name, 0, job.dry) for job in jobs]
    chosen = [job for job in jobs if any(fnmatch.fnmatch(job.name, p) for p in options.only)]
    first, of = options.share
    todo = missing(chosen[first - 1 :: of], options.out)
    if options.list:
        for job in jobs:
            print(f"{'to do' if job in todo else 'done ':>5}  {job.minutes:5.1f} min  {job.name}")
        print(f"{len(todo)} to do, about {sum(job.minutes for job in todo):.0f} minutes")
        return 0

    until = time.monotonic() + 60 * options.minutes
    for job in todo:
        left = (until - time.monotonic()) / 60
        if left <= 0 or (job.minutes > left and not job.resumes):
            continue
        print(f"── {job.name}, {left:.0f} minutes left", flush=True)
        try:
            job.measure(options.out / f"{job.name}.json", device, left)
        except KeyboardInterrupt:
            print("Stopped. Finished runs are recorded; the others continue in the next run.")
            return 130
        except Exception:  # the other jobs must not wait until this one is repaired
            print(f"{job.name} has no record:\n{traceback.format_exc()}", file=sys.stderr)
        finally:
            if options.pack:
                pack(options.out, options.pack)
    print(f"{len(missing(jobs, options.out))} of {len(jobs)} records still to be made.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
