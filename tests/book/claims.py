"""The claims ledger, ``book/claims.toml``: what the numbers in the chapters' prose are held to, and
those in what their questions, ``live.Ask``, say.

``complaints`` compares a chapter's prose with its claims and looks for numbers without one.
"""

import ast
import importlib.util
import itertools
import json
import math
import random
import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from statistics import NormalDist, mean, median, stdev  # noqa: F401
from types import SimpleNamespace

import torch
from torch import nn

from nin_lib import data, live, models, records, summary, train
from nin_lib.check import (  # noqa: F401
    chapter02,
    chapter04,
    chapter06,
    chapter07,
    chapter08,
    chapter10,
    chapter11,
    expect,
)
from nin_lib.check.grade import solved  # noqa: F401
from nin_lib.data import wardrobe, whitening  # noqa: F401
from nin_lib.live import bend, bending, dying
from nin_lib.recipes import RECIPES, find, studies
from nin_lib.records import one_change
from nin_lib.records.paper import PUBLISHED
from nin_lib.records.small_networks import small_records
from nin_lib.train import Engine  # noqa: F401

BOOK = Path(__file__).resolve().parents[2] / "book"

# What may stand behind a number, and how much one of it is: a share, seconds, bytes, or as such.
UNITS = {
    "%": 0.01, "percent": 0.01, "per cent": 0.01, "points": 0.01, "percentage points": 0.01,
    "×": 1, "times": 1, "k": 1e3, "M": 1e6, "G": 1e9,
    "thousand": 1e3, "million": 1e6, "billion": 1e9,
    "ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600,
    "second": 1, "seconds": 1, "minute": 60, "minutes": 60, "hour": 3600, "hours": 3600,
    "day": 86400, "days": 86400,
    "B": 1, "bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
# Besides these, anything "/s".
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "sixteen": 16, "eighteen": 18, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000,
    "million": 10**6, "twice": 2, "half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4, "fifth": 1 / 5,
    "sixth": 1 / 6, "eighth": 1 / 8, "tenth": 1 / 10, "hundredth": 1 / 100,
}  # fmt: skip

_COMMA = r"(?:[, \u00a0\u2009\u202f]|\\,|\{,\})"  # between thousands
_DIGITS = rf"(?:\d{{1,3}}(?:{_COMMA}\d{{3}})+(?!\d)|\d+)(?:\.\d+)?"
_GAP = r"(?:\\,|[\s$*~-]){0,3}"
_NAMES = "|".join(sorted((unit for unit in UNITS if unit not in "%×"), key=len, reverse=True))
_SHAPE = r"\s?\d|\s?\$?[A-Z]\b|\$?[a-z]\b"  # behind the × in 6×6 and 32×H×W, which are no ratios
_UNIT = rf"(?:\\?%|(?:×|\\times)(?!{_SHAPE})|\w+/s\b|(?:{_NAMES})(?!\w))"
_SUPER = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")
_POWER = r"(?:\s?(?:[·×]|\\cdot|\\times)\s?10(?:\^\{?([-−]?\d+)\}?|([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)))?"
_MARK = re.compile(r"\{((?:[^{}]|\{[^{}]*\})*)\}")

# What the search for numbers without a claim passes over.
NO_CLAIM_NEEDED = (
    r"```.*?```|`[^`\n]*`",
    # How long a chapter takes to read and run is an estimate: nobody can compute the reader.
    r'<p class="chapter-line">.*?</p>',
    r'</?[a-z][\w-]*(?:\s+[\w-]+(?:="[^"]*")?)*\s*/?>|<!--.*?-->',
    r"\]\([^)\s]*\)|https?://\S+|(?i:arxiv):\s?\S+",
    r"\\tag\{[^}]*\}",
    r"\*\*\d+\.\d+ [A-Z]\w+|^### Exercise \d.*?$",  # the head of an exercise
    r"\((?:\d+|[A-Z])\.\d+\)",  # an equation, referred to by its number
    r"^#+\s*\d[\d.]*(?=\s)",
    r"^### Exercise [^\n]*",  # its minutes are an estimate, too
    r"(?i:equation|figure|fig\.|exercise|section|table|chapter|§)s?\s*\(?\d+(?:\.\d+)*\)?"
    rf"(?:(?:,| and| or| to|–)\s*\(\d+\.\d+\))*(?!\.?\d|{_GAP}{_UNIT})",
    r"\b(?i:python|pytorch|torch|torchvision|cuda|version|cc by(?:-sa)?)\s\d+(?:\.\d+)*",
)


@dataclass(frozen=True)
class Claim:
    """Words of a chapter with numbers in braces, and what computes these or who says so."""

    chapter: str
    words: str
    expression: str | None = None
    source: str | None = None

    @property
    def printed(self) -> list[str]:
        """The numbers, as printed."""
        return _MARK.findall(self.words)

    def places(self, text: str) -> list[re.Match]:
        """Where a text says this; each number is a group. Line breaks are spaces."""
        parts = [re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(p)) for p in _MARK.split(self.words)]
        whole = r"(?<![^\W_])(?<!\d[.,])({})(?![^\W_]|[.,]\d)"  # no 6 in 16, no 5 in 5.5
        parts[1::2] = [whole.replace("{}", number) for number in parts[1::2]]
        return list(re.finditer("".join(parts), text))

    def wrong(self) -> list[str]:
        """What is wrong with the numbers, wherever they stand."""
        try:
            numbers = [read(printed) for printed in self.printed]
            values = numbers if self.expression is None else evaluate(self.expression)
        except Exception as error:
            return [f"'{self.words}': {type(error).__name__}: {error}"]
        if not numbers or len(numbers) != len(values):
            return [f"'{self.words}': {len(numbers)} numbers in braces, {len(values)} values"]
        by = " ".join((self.expression or "").split())
        triples = zip(self.printed, numbers, values, strict=True)
        return [
            f"'{self.words}': it says '{printed}', but {by} gives {value:,.10g}"
            for printed, (number, step, unit), value in triples
            if by and abs(value / unit - number) > step / 2 * (1 + 1e-9)
        ]


def read(printed: str) -> tuple[float, float, float]:
    """A printed number, the step of its last digit, its unit: ``12.4 M`` is (12.4, 0.1, 1e6)."""
    if found := re.fullmatch(rf"([-−]?)({_DIGITS}){_POWER}{_GAP}({_UNIT})?", printed):
        minus, number, caret, raised, unit = found.groups()
        number = re.sub(_COMMA, "", number)
        unit = UNITS.get((unit or "").replace("\\times", "×").strip("\\"), 1)
        unit *= 10.0 ** int((caret or raised or "0").translate(_SUPER))
        step = 10.0 ** -len(number.partition(".")[2])
        return (-float(number) if minus else float(number)), step, unit
    total = 0
    for word in re.split(r"[\s-]+", printed.lower()):
        amount = WORDS.get(word) or WORDS.get(word.removesuffix("s"))
        if amount is None:
            raise ValueError(f"{printed!r} is no number that tests/book/claims.py can read")
        times = total and not 1 <= amount < 100  # two thirds, five thousand; but twenty-five
        total = total * amount if times else total + amount
    return total, 0.01, 1


def ledger() -> list[Claim]:
    """Every claim, in the order of the file."""
    chapters = tomllib.loads((BOOK / "claims.toml").read_text(encoding="utf-8"))
    return [
        Claim(chapter, words, **(by if isinstance(by, dict) else {"expression": by}))
        for chapter, lines in chapters.items()
        for words, by in lines.items()
    ]


class _Asked(ast.NodeVisitor):
    """Collects the texts of a cell that asks questions, and the right answers typed as numbers.

    What an f-string or an expression computes needs no claim and is left out, as are answers that
    are wrong: they state nothing.
    """

    def __init__(self):
        self.said = []

    def visit_Call(self, node):
        if ast.unparse(node.func) not in ("live.Ask", "Ask"):
            return self.generic_visit(node)
        given = dict(zip(("question", "answers", "right"), node.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in node.keywords}
        right, answers, unit = (given.pop(name, None) for name in ("right", "answers", "unit"))
        for one in given.values():
            self.visit(one)
        self._right(right, unit)
        for sentence in answers.values if isinstance(answers, ast.Dict) else [answers]:
            self.visit(sentence)

    def _right(self, answer, unit):
        value = getattr(answer, "value", None)
        if isinstance(answer, ast.Constant) and not isinstance(value, str):
            self.said.append(f"{value:,} {getattr(unit, 'value', '')}".rstrip())
        else:
            self.visit(answer)

    def visit_JoinedStr(self, node):
        parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
        self.said.append("".join(parts))

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self.said.append(node.value)


def asked(source: str) -> str:
    """What the questions of a code cell say; nothing if it asks none."""
    if "Ask(" not in source:
        return ""
    cell = _Asked()
    cell.visit(ast.parse(source))
    return "\n\n".join(cell.said)


def prose(notebook: Path) -> str:
    """The text of a notebook's Markdown cells, and of the questions in its code."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ((cell["cell_type"], "".join(cell["source"])) for cell in cells)
    texts = (text if kind == "markdown" else asked(text) for kind, text in sources)
    return "\n\n".join(filter(None, texts))


@lru_cache(maxsize=10)  # a chapter is looked at again for each of its claims
def without_exempt(text: str) -> str:
    """The text with blanks, as many, for what needs no claim: code, addresses, references."""

    def blank(found: re.Match) -> str:
        return re.sub(r"\S", " ", found[0])

    for pattern in NO_CLAIM_NEEDED:
        text = re.sub(pattern, blank, text, flags=re.DOTALL | re.MULTILINE)
    return text


def in_need(text: str) -> list[tuple[int, str]]:
    """The numbers that need a claim: place, number with its unit."""
    text = without_exempt(text)
    unit = rf"{_GAP}{_UNIT}"
    range_of = rf"(?=\s?(?:[–±]|to|and|or)\s?{_DIGITS}{unit})"  # 10 in 10–20 %
    found = re.finditer(rf"(?<![\w.])({_DIGITS})({unit}|{range_of})?", text)
    return [(h.start(), h[0]) for h in found if h[2] is not None or not h[1].isdecimal()]


def complaints(chapter: str, text: str, claims: list[Claim]) -> list[str]:
    """What is wrong between a chapter's prose and the claims; nothing if all is well."""
    wrong, covered, open_text = [], set(), without_exempt(text)
    for claim in (c for c in claims if c.chapter == chapter):
        wrong += claim.wrong()
        places = claim.places(text)
        if not places:
            wrong.append(f"the prose does not say '{claim.words}': change it, or the claim")
        elif len(places) > 1:
            wrong.append(f"the prose says '{claim.words}' {len(places)} times: claim more words")
        elif claim.expression is None and not (claim.source and claim.source in text):
            wrong.append(f"'{claim.words}': the chapter does not name the source {claim.source!r}")
        for start, end in places[0].regs[1:] if places else ():
            covered.update(range(start, end))
            if not open_text[start:end].strip():
                wrong.append(f"'{claim.words}': '{text[start:end]}' stands in code or an address")
    for start, number in in_need(text):
        if start not in covered:
            end = start + len(number)
            before = re.search(r"(?:\S+ ){0,4}\S*$", text[max(start - 80, 0) : start])[0]
            after = re.match(r"\S*(?: \S+){0,2}", text[end:])[0]
            line = json.dumps(f"{before}{{{number}}}{after}", ensure_ascii=False)
            wrong.append(
                f"'{number}' in '…{before}{number}{after}…' has no claim: add it to "
                f'book/claims.toml under [{chapter}]: {line} = "what computes it"'
            )
    return [f"{chapter}: {complaint}" for complaint in wrong]


# What expressions may use beside what is imported above.


@cache
def evaluate(expression: str) -> tuple:
    """The values of an expression; commas separate several."""
    try:
        with torch.device("meta"):  # most ask for shapes and counts, for which no weight is drawn
            value = eval(f"({expression})", globals())
    except RuntimeError:  # this one asks for numbers
        value = eval(f"({expression})", globals())
    return value if isinstance(value, tuple) else (value,)


@cache
def benchmark(name: str):
    """The module ``benchmarks/NAME.py``."""
    spec = importlib.util.spec_from_file_location(name, BOOK.parent / f"benchmarks/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def cells_of(chapter: str, given: frozenset) -> tuple[Iterator[str], dict]:
    """The code of a chapter's cells without figures, and what those that have run define."""
    cells = json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]
    codes = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    drawn = re.compile(r"%pip|live\.|plot\.\w+\([^)]|axes")
    return (code for code in codes if not drawn.search(code)), dict(given)


def ran(chapter: str, name: str, **names) -> dict:
    """What the cells of a chapter without figures define, at least up to the one that defines a
    name; each runs once. Other ``names`` are known from the start."""
    codes, known = cells_of(chapter, frozenset(names.items()))
    while name not in known:
        code = next(codes, None)
        if code is None:
            raise LookupError(f"{chapter} defines no {name}")
        with torch.device("cpu"):
            exec(code, known)
    return known


def edges(network: str) -> list[float]:
    """Percent of fresh patches that chapter 2's ``one`` or ``eight`` judged correctly, by seed."""
    return ran("02_mlpconv", "eight")[network]


def maxout(question: str) -> list[float]:
    """Percent that a maxout unit judged correctly, by seed."""
    return ran("depth_maxout", "shares")["shares"]["one maxout unit", question]


def by_one_line(pattern: str) -> float:
    """The largest share of a pattern's points in Figure 2.1 on the correct side of a line."""
    return bend.find_best_line(pattern) / bend.POINTS


def units_for_ring() -> int:
    """The fewest units that separate Figure 2.1's ring, as a sum of ReLUs in even directions."""
    points = torch.tensor(bend.sample_points("ring"))
    for count in range(1, 9):
        for turn in torch.linspace(0, math.pi, 60):
            angles = turn + 2 * math.pi / count * torch.arange(count)
            total = (points[:, :2] @ torch.stack([angles.cos(), angles.sin()])).relu().sum(1)
            order = points[total.argsort(), 2]
            right = (order > 0).sum() + torch.cat([torch.zeros(1), -order.cumsum(0)])
            if right.max().item() >= 0.99 * len(points):
                return count
    raise LookupError("eight units do not separate it")


def on_the_ring(units: int, seed: int = 0) -> float:
    """The share of Figure 2.1's ring on the correct side, with a hidden layer of so many units."""
    layers = bending.train(bend.sample_points("ring"), max(units, 1), min(units, 1), seed)
    points = torch.tensor(bend.sample_points("ring"), dtype=torch.float64)
    response = bending.sums(layers, points[:, :2])[-1][:, 0]
    return ((response > 0) == (points[:, 2] > 0)).double().mean().item()


def weight_of_one_filter() -> float:
    """The largest weight of chapter 2's ``one`` after training, over its five seeds."""
    names, largest = ran("02_mlpconv", "eight"), 0.0
    for seed in range(5):
        torch.manual_seed(seed)
        model = names["fit"](nn.Conv2d(1, 1, kernel_size=5), *names["draw"](240, seed))
        largest = max(largest, model.weight.abs().max().item())
    return largest


def units_at(row: int, column: int) -> set[int]:
    """The convolution units of the pocket network's block 1 that are above zero for the T-shirt of
    Figure 2.5 at a position."""
    with torch.device("cpu"):
        values = live.InsidePixel(picture=0, block=1)._seen()["given"]
    return {*(values[:, row, column] > 0).nonzero().flatten().tolist()}


def outlines() -> tuple[list[int], list[int]]:
    """The units above zero only on the left, only on the right outline: Figure 2.5's positions."""
    left, right = units_at(8, 5), units_at(8, 11)
    return sorted(left - right), sorted(right - left)


def flat_units() -> set[int]:
    """The units above zero inside the shirt or on the background."""
    return units_at(8, 8) | units_at(1, 1)


def params(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def macs(model: nn.Module, *shape: int) -> int:
    """Multiply-adds for a batch of that shape: ``macs(models.nin(), 1, 1, 224, 224)``."""
    return summary.trace(model, shape).macs


def recorded(recipe: str, device: str | None = None) -> list[dict]:
    """The recorded runs of a recipe at its full length, on that type of device."""
    known = find(recipe)
    runs = [
        run
        for run in records.load(recipe, known.data)
        if run["recipe"]["epochs"] == known.epochs and device in (None, run["machine"]["device"])
    ]
    if not runs:
        raise ValueError(f"no run of {recipe!r} is on record")
    return runs


def short(recipe: str) -> dict:
    """The one recorded run of a recipe that has fewer epochs than the recipe."""
    known = find(recipe)
    runs = records.load(recipe, known.data)
    [run] = [run for run in runs if run["recipe"]["epochs"] < known.epochs]
    return run


def accuracy(recipe: str, device: str | None = None) -> float:
    """Mean over the recorded seeds, as a share: 0.921 is printed ``{92.1 %}``."""
    return mean(run["result"]["accuracy"] for run in recorded(recipe, device))


def learned(recipe: str) -> float:
    """Mean over the recorded seeds of the last epoch's accuracy on the training pictures."""
    return mean(run["history"][-1]["train_accuracy"] for run in recorded(recipe))


def spread(recipe: str, device: str | None = None) -> float:
    """Standard deviation of the accuracy over the recorded seeds, as a share."""
    return stdev(run["result"]["accuracy"] for run in recorded(recipe, device))


def seconds(recipe: str, device: str) -> float:
    """Mean time of a recorded run."""
    return mean(run["wall_seconds"] for run in recorded(recipe, device))


def targets(recipe: str) -> list[float]:
    """What the recipe's smoothed labels ask for: of the right class, then of the nine others."""
    share = find(recipe).label_smoothing / 10
    return [1 - 9 * share] + 9 * [share]


def entropy(shares: list[float]) -> float:
    return -sum(p * math.log(p) for p in shares)


def rates(recipe: str, steps: int = 1000) -> list[float]:
    """The recipe's learning rate at each of so many steps."""
    schedule = train.schedule(train.sgd(find(recipe).network(), find(recipe)), find(recipe), steps)
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()
    return found


def edge(holds, low: float, high: float) -> float:
    """Where between low and high a condition that holds at low ends."""
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def vgg11() -> nn.Module:
    """VGG-11 for gray pictures and ten classes: shapes without numbers."""
    from torchvision.models import vgg11

    with torch.device("meta"):
        network = vgg11(num_classes=10)
        network.features[0] = nn.Conv2d(1, 64, 3, padding=1)
    return network


def alexnet_2012() -> nn.Module:
    """AlexNet as published, with two groups in three of its convolutions: no numbers either."""
    with torch.device("meta"):
        network = models.alexnet(3, 1000)
        network.features[0].padding = (2, 2)
        for at in (3, 8, 10):
            whole = network.features[at]
            sizes = whole.in_channels, whole.out_channels, whole.kernel_size
            network.features[at] = nn.Conv2d(*sizes, padding=whole.padding, groups=2)
        network.classifier[0] = nn.Linear(256 * 6 * 6, 4096)
    return network


def shares(block: str) -> tuple[float, float]:
    """A block's share of the parameters and of the multiply-adds of ``models.nin()``."""
    rows = summary.blocks(models.nin(), (1, 1, 224, 224))
    row = next(row for row in rows if row.name == block)
    return row.params / rows.params, row.macs / rows.macs


def gained(recipe: str) -> tuple[float, float]:
    """What a recipe gains in validation accuracy over the row that its study compares it with:
    mean and standard deviation over the seeds from which the study is complete, as shares."""
    ways = ((studies.ABLATION, "before"), (studies.ADDED, "before"), (studies.LEFT_OUT, "first"))
    for study, over in ways:
        names = [one.name for one in study.values()]
        if recipe in names[1:]:
            found = one_change.rows(study, over, one_change.complete(study))
            gains = found[names.index(recipe)].gains
            return mean(gains) / 100, stdev(gains) / 100
    raise ValueError(f"{recipe!r} changes nothing in these studies")


@cache
def shown_by_chance(seeds: int) -> float:
    """How often a change without effect is shown from so many seeds: 20,000 drawn studies."""
    chance = random.Random(0)
    drawn = ([chance.gauss(0, 1) for _ in range(seeds)] for _ in range(20_000))
    return mean(one_change.Row("", (), tuple(gains)).is_shown for gains in drawn)


def median_seconds(recipe: str) -> float:
    """Median time of a recorded run."""
    return median(run["wall_seconds"] for run in recorded(recipe))


def guessed(recipe: str) -> tuple[float, ...]:
    """Images, epochs, batch size and learning rate of a recipe that repeats the tutorial with one
    1×1 layer per block, and its accuracies on training and test images."""
    known = find(recipe)
    settings = known.limit or 60_000, known.epochs, known.batch_size, known.learning_rate
    return *settings, learned(recipe), accuracy(recipe)


def lost(recipe: str) -> int:
    """How many runs of a recipe diverged."""
    return len(records.diverged(recipe, find(recipe).data))


def worth(step: str) -> float:
    """What a step of the study of departures is worth on CIFAR-10, as a share."""
    return accuracy(f"pocket-cifar10-{step}") - accuracy("pocket-cifar10")


def setting(label: str, device: str = "cpu") -> float:
    """How many times as fast as the tutorials' loop a setting of the training speed is."""
    settings = records.one("training-speed", device)["rows"]
    return next(one["ratio"] for one in settings if one["label"] == label)


def speed_of(label: str, device: str = "cpu") -> float:
    """Examples per second of a setting of the training speed, waiting included."""
    settings = records.one("training-speed", device)["rows"]
    return next(one["examples_per_second"]["wall"] for one in settings if one["label"] == label)


def kept(scheme: str) -> list[float]:
    """What each convolution of ``models.nin()`` and its ReLU keep of the mean square."""
    found = []
    for layer in models.nin().modules():
        if isinstance(layer, nn.Conv2d):
            ins, outs = layer.weight[0].numel(), layer.weight[:, 0].numel()
            found.append({"default": 1 / 6, "xavier": ins / (ins + outs), "he": 1.0}[scheme])
    return found


def tried(verdict: str | None = None, **cell) -> int:
    """How many runs of the failure grid have these settings, and ended so."""
    runs = records.one("failure-grid", "cpu")["runs"]
    return sum(cell.items() <= run.items() and verdict in (None, run["verdict"]) for run in runs)


def reports(source: str = "") -> list[float]:
    """What others report of the paper's network on CIFAR-10, as shares."""
    from nin_lib.records.paper import REPORTED

    return [float(accuracy) / 100 for accuracy, _, where in REPORTED if source in where]


def errors(row: int, network: str) -> int:
    """How many test pictures the paper's tables say that ``nin`` or ``maxout`` got wrong."""
    from nin_lib.records.paper import TABLES

    return round(getattr(TABLES[row], network) / 100 * TABLES[row].images)


def must_share(row: int) -> int:
    """How many of these errors the two must have in common, for the difference to count."""
    return chapter10.must_share(errors(row, "nin"), errors(row, "maxout"))


def shared_by_pairs() -> dict[tuple[str, str], float]:
    """By pair of recorded networks: the errors that both make, as a share of the better one's."""
    found = {}
    for row in judged("pairs"):
        only = row["only_first"], row["only_second"]
        both = judged("images") - row["both"] - sum(only)
        found[row["first"], row["second"]] = both / (both + min(only))
    return found


def if_shared(share: float) -> float:
    """The p-value of the paper's two errors with augmentation, if they shared so many of NiN's."""
    both = round(share * errors(1, "nin"))
    return chapter08.p_value(errors(1, "nin") - both, errors(1, "maxout") - both)


def by_chance(ratio: float) -> float:
    """How often the means of twice three seeds differ by so many pooled standard deviations or
    more, without any difference: Student's t with four degrees of freedom."""
    t = ratio * math.sqrt(3 / 2)
    sine = t / math.sqrt(t * t + 4)
    return 1 - sine * (1 + (1 - sine * sine) / 2)


def in_deviations(step: str) -> float:
    """What a step of the study of departures is worth, in pooled standard deviations."""
    changed, base = f"pocket-cifar10-{step}", "pocket-cifar10"
    return worth(step) / math.sqrt((spread(changed) ** 2 + spread(base) ** 2) / 2)


def signal_of_paper() -> list[float]:
    """What each convolution of the paper's network and its ReLU keep of the mean square, by the
    formula, with the published initialization."""
    layers = (m for m in models.nin_paper("cifar10").modules() if isinstance(m, nn.Conv2d))
    return [layer.weight[0].numel() * PUBLISHED.std**2 / 2 for layer in layers]


# Chapter 1.
def corner_strengths() -> tuple[float, float]:
    """What two 3×3 filters for edges sum to on the edge of a square, and at its corner."""
    image, vertical = torch.zeros(1, 1, 14, 14), torch.tensor([[-1.0, 0, 1]] * 3)
    image[..., 3:11, 3:11] = 1
    filters = torch.stack([vertical, vertical.T])[:, None]
    total = nn.functional.conv2d(image, filters, padding=1).abs().sum(1)[0]
    return total[6, 3].item(), total[3, 3].item()


def accuracy_of_chapter_1(*channels: int) -> list[float]:
    """The accuracy of a trained network after two 1×1 layers, 64 → m → 64, are put into it."""
    with torch.device("cpu"), torch.no_grad():
        network = models.trained_pair("average")
        middles = []
        for seed in (3, 2):  # the weights are fitted to the first
            images, labels = map(torch.tensor, wardrobe.draw(500, seed=seed))
            middles.append(network[:3]((images / 255 - 0.286) / 0.353).movedim(1, -1))
        fitted, middle = middles
        directions = torch.linalg.svd(fitted.flatten(0, 2), full_matrices=False).Vh
        kept = [middle @ directions[:m].T @ directions[:m] for m in channels]
        answers = [network[3:](x.movedim(-1, 1)).argmax(1) for x in kept]
        return [(answer == labels).float().mean().item() for answer in answers]


def bend_of_chapter_1() -> float:
    """The largest f(x) + f(−x) − 2 f(0) of the chapter's network on its image."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(122)
        x = torch.rand(1, 3, 4, 4).mul(10).round().div(10)
        pair = nn.Sequential(nn.Conv2d(3, 6, 1), nn.ReLU(), nn.Conv2d(6, 2, 1))
    with torch.no_grad():
        for parameter in pair.parameters():
            parameter.copy_(parameter.mul(10).round().div(10))
        return (pair(x) + pair(-x) - 2 * pair(torch.zeros_like(x))).abs().max().item()


# Chapter 8.
def judged(what: str):
    """A part of the record of judged networks."""
    return records.one("judging", "cpu")[what]


def split_of(first: str, second: str) -> tuple[int, int]:
    """How many test images only the first, only the second network classifies correctly."""
    for row in judged("pairs"):
        if {row["first"], row["second"]} == {first, second}:
            only = {row["first"]: row["only_first"], row["second"]: row["only_second"]}
            return only[first], only[second]
    raise LookupError(f"no pair of {first} and {second}")


def verdict(first: str, second: str) -> tuple[float, ...]:
    """That split and its p-value."""
    only = split_of(first, second)
    return *only, chapter08.p_value(*only)


def all_right(name: str) -> float:
    """The share of the test images that a network of the pairs classifies correctly."""
    for row in judged("pairs"):
        for place in ("first", "second"):
            if row[place] == name:
                return (row["both"] + row[f"only_{place}"]) / judged("images")
    raise LookupError(name)


def confused(*classes: int) -> float:
    """The share of the errors that are among these classes."""
    counts = torch.tensor(judged("confusion"), device="cpu")
    errors = counts - counts.diagonal().diag()
    return (errors[list(classes)][:, list(classes)].sum() / errors.sum()).item()


def calibrated(network: str, what: str) -> float:
    """Mean over the seeds of a number of the record's calibration."""
    return mean(row[what] for row in judged("calibration") if row["network"] == network)


def needed(disputed: int) -> int:
    """The smallest difference, as even as the number of disputed images, that counts."""
    odd = disputed % 2
    return next(
        d
        for d in range(odd, disputed + 1, 2)
        if chapter08.p_value((disputed + d) // 2, (disputed - d) // 2) <= chapter08.LEVEL
    )


def validated(recipe: str) -> list[float]:
    """By seed: the accuracy on the validation images after the last epoch."""
    return [run["history"][-1]["watched_accuracy"] for run in recorded(recipe)]


@cache
def equal_networks() -> dict:
    """What chapter 8's cell about equally good networks defines; it needs nothing but torch."""
    cells = json.loads((BOOK / "08_how_good_is_it.ipynb").read_text(encoding="utf-8"))["cells"]
    [code] = [text for c in cells if "torch.binomial(" in (text := "".join(c["source"]))]
    names = {"torch": torch, "print": lambda *_: None}
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        exec(code, names)
    share = names["correct"].mean().item() / names["number"]
    return names["best"] | {"trials": names["trials"], "share": round(share, 3)}


def disputes() -> tuple[int, int]:
    """The fewest and the most images that a pair of chapter 8's table disputes."""
    pairs = (
        ("pocket, seed 0", "pocket, seed 1"),
        ("without-mirror, seed 0", "pocket, seed 0"),
        ("shipped pair, average", "shipped pair, fully_connected"),
        ("shipped pocket network", "pocket, seed 0"),
    )
    found = [sum(split_of(*pair)) for pair in pairs]
    return min(found), max(found)


# Chapter 5.
def normal(pixels: torch.Tensor) -> torch.Tensor:
    """Pixels 0…255 as the shipped networks take them."""
    return (pixels.float() / 255 - 0.286) / 0.353


@cache
def sleeve() -> dict[str, float]:
    """The pullover of Figure 5.1 without its left sleeve: what its logit and class map lose."""
    with torch.device("cpu"), torch.no_grad():
        network = models.pocket_nin(trained=True)
        x = 255 * live.Average().pixels()
        y = x.clone()
        y[10:, :12] = 0
        before, after = (models.class_maps(network, normal(v[None, None]))[0] for v in (x, y))
        erased = (x != y).reshape(7, 4, 7, 4).any(3).any(1)
        change = (after - before)[2]
        probability = before.mean((1, 2)).softmax(0)[2]
        keep = torch.ones(49)  # without the three strongest cells over the garment
        garment = (x > 0).reshape(7, 4, 7, 4).any(3).any(1)
        strongest = before[2].where(garment, -torch.inf).flatten().topk(3).indices
        keep[strongest] = 0
        left = x * keep.reshape(7, 7).repeat_interleave(4, 0).repeat_interleave(4, 1)
        return {
            "before": before[2].mean().item(), "after": after[2].mean().item(),
            "cells": erased.sum().item(),
            "share": ((before[2] * erased).sum() / before[2].sum()).item(),
            "elsewhere": ((change * ~erased).sum() / change.sum()).item(),
            "probability": probability.item(),
            "without": network(normal(left[None, None])).softmax(1)[0, 2].item(),
            "pullover": before[2].max().item(), "sandal": before[5].max().item(),
            "shirt": before[6].mean().item(), "coat": before[4].mean().item(),
            "clamped": before[4].clamp(min=0).mean().item(),
        }  # fmt: skip


@cache
def drawn_maps() -> dict:
    """What the benchmark of class maps finds on 500 drawn garments, with five draws."""
    with torch.device("cpu"):
        garments = SimpleNamespace(test_images=torch.tensor(wardrobe.draw(500, seed=2)[0]))
        return benchmark("class_map_tests").measure(garments, 500, draws=5)


def erasing(found: dict, kind: str, *keys: str) -> list[float]:
    """A row of the test that erases cells: for each number of cells, these numbers."""
    rows = [row for row in found["rows"] if row["kind"] == kind]
    return [row[key] for row in rows for key in keys if key in row]


@cache
def random_tops() -> dict[str, torch.Tensor]:
    """All maps of 500 garments; and the correlations of their winning maps with those of ten random
    top blocks for the same garment (``r``) and for ``another``, and of two ``trained`` ones."""
    same, another = [], []
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.no_grad():
        network = models.pocket_nin(trained=True)
        inputs = network[:4](normal(torch.tensor(wardrobe.draw(500, seed=2)[0])))
        maps = network.block4(inputs)
        n, predicted = torch.arange(500), maps.mean((2, 3)).argmax(1)

        def of_winner(maps: torch.Tensor) -> torch.Tensor:
            values = maps[n, predicted].flatten(1)
            return values - values.mean(1, keepdim=True)

        winning, likeness = of_winner(maps), nn.functional.cosine_similarity
        for seed in range(10):
            torch.default_generator.manual_seed(seed)
            for layer in (network.block4.conv, network.block4.pointwise1):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
            random = of_winner(network.block4(inputs))
            same.append(likeness(winning, random))
            another.append(likeness(winning, random.roll(1, 0)))
    trained = likeness(winning, winning.roll(1, 0))
    return {"maps": maps, "r": torch.cat(same), "another": torch.cat(another), "trained": trained}


def kept_in_black() -> float:
    """The share of 500 drawn garments whose prediction is that of a black image."""
    with torch.device("cpu"), torch.no_grad():
        network = models.pocket_nin(trained=True)
        black = network(normal(torch.zeros(1, 1, 28, 28))).argmax()
        predicted = network(normal(torch.tensor(wardrobe.draw(500, seed=2)[0]))).argmax(1)
        return (predicted == black).float().mean().item()


def reach(row: int, column: int) -> tuple[int, int]:
    """Height and width of the pixels on which a cell of the pocket network's maps depends."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(0)
        noise = torch.randn(32, 1, 28, 28, requires_grad=True)
        models.class_maps(models.pocket_nin(trained=True), noise)[
            :, :, row, column
        ].sum().backward()
    used = (noise.grad != 0).any(0)[0]
    return used.any(1).sum().item(), used.any(0).sum().item()


# Chapter 4.
def alexnets_head() -> nn.Module:
    """AlexNet's three fully connected layers on the 384 maps of 5×5 of NiN-224."""
    first, *rest = models.alexnet()[-1]
    return nn.Sequential(nn.Linear(384 * 5 * 5, first.out_features), *rest)


def pair(head: str) -> nn.Module:
    """The shape of a network of Figure 4.1."""
    return models.small.PAIR[head].network()


def head_row(recipe: str) -> tuple[float, ...]:
    """Training accuracy and test accuracy in percent, each with its standard deviation as a share,
    and their difference in points."""
    runs = recorded(recipe)
    training = [run["history"][-1]["train_accuracy"] for run in runs]
    test = [run["result"]["accuracy"] for run in runs]
    points = 100 * (mean(training) - mean(test))
    return 100 * mean(training), stdev(training), 100 * mean(test), stdev(test), points


def pairs_of_heads() -> tuple[float, ...]:
    """Of the small networks: pairs that differ in the head, and how many have a larger gap between
    training and test accuracy, and a higher test accuracy, with the fully connected head; how many
    points higher it is, at least, at most and on average."""
    runs = [run for record in small_records() for run in record["runs"]]
    trunk = ("kernel", "width", "pointwise", "bottleneck")
    found = {}
    for run in runs:
        heads = found.setdefault(tuple(run[name] for name in trunk), {})
        heads.setdefault(run["head"], []).append((run["train_accuracy"], run["accuracy"]))
    both = [heads for heads in found.values() if len(heads) == 2]
    means = [{head: [*map(mean, zip(*of, strict=True))] for head, of in h.items()} for h in both]
    gaps = [{head: train - test for head, (train, test) in h.items()} for h in means]
    higher = [100 * (h["fully_connected"][1] - h["average"][1]) for h in means]
    return (
        len(both),
        sum(gap["fully_connected"] > gap["average"] for gap in gaps),
        sum(points > 0 for points in higher),
        min(higher),
        max(higher),
        mean(higher),
    )


def _of_shifts(what: str, **chosen: int) -> dict:
    """A row of the record of moved and enlarged images."""
    [row] = [
        row
        for row in records.one("shifts", "cpu")[what]
        if all(row[k] == chosen[k] for k in chosen)
    ]
    return row


def moved(head: str, right: int, down: int = 0) -> float:
    """Accuracy of a network of Figure 4.1 on moved images, or in place with ``…_cut``."""
    return _of_shifts("moved", right=right, down=down)[head]


def further_pairs() -> list[list[float]]:
    """By seed: how many points the average head is ahead, in each direction by 8 pixels."""
    found = {(row["seed"], row["head"]): row for row in records.one("shifts", "cpu")["pairs"]}
    return [
        [
            100 * (row[way] - found[seed, "fully_connected"][way])
            for way in ("right", "left", "down", "up")
        ]
        for (seed, head), row in found.items()
        if head == "average"
    ]


def shipped_accuracy(name: str) -> float:
    """Accuracy of shipped weights on all test images of Fashion-MNIST."""
    path = records.folder().parent / "nin_lib" / "models" / "weights" / f"{name}.json"
    return json.loads(path.read_text())["shipped"]["fashion-mnist"]["accuracy"]


def light_lost(right: int) -> float:
    """The share of the light that leaves the frame."""
    return _of_shifts("moved", right=right, down=0)["lost"]


def largest_change() -> float:
    """The largest change of a logit on the 84×84 canvas, by shifts of 1 to 3 pixels."""
    return records.one("shifts", "cpu")["change"]


def resized(way: str, side: int) -> float:
    """Accuracy of the average head on images ``enlarged`` to a size or ``framed`` in black."""
    return _of_shifts("sizes", side=side)[way]


def lost_after(picture: int) -> tuple[int, int]:
    """By how many pixels up Figure 4.1's garment moves until the fully connected head, and until
    the average head, predicts another class."""
    with torch.device("cpu"):
        figure, found = live.Slide(picture=picture, guess="alike"), {}
        for up in range(9):
            figure.down = -up
            at = figure.offsets().index((0, -up))
            for head, shares in figure.shares().items():
                if shares[at].argmax() != picture:
                    found.setdefault(head, up)
    return found["fully_connected"], found["average"]


def on_canvas(items: list) -> list[float]:
    """What Figure 4.4 says with these items: the average's probability of each class; the class of
    the first item has its best single position's in place of that."""
    with torch.device("cpu"):
        maps = live.BiggerCanvas(items=items).maps().double()
    shares = maps.mean((1, 2)).softmax(0).tolist()
    if items:
        shares[items[0][0]] = maps.softmax(0)[items[0][0]].max().item()
    return shares


# Chapter 3.
def receptive_field(*layers: tuple[int, int]) -> int:
    """Height in pixels of what a number depends on after layers of (kernel size, stride)."""
    field, step = 1, 1
    for kernel, stride in layers:
        field, step = field + (kernel - 1) * step, step * stride
    return field


def fails(size: int) -> list[int]:
    """Sizes that NiN-224's pools are given, and what the last one that fits leaves."""
    sizes = [(size - 11) // 4 + 1]
    while sizes[-1] >= 3:
        sizes.append((sizes[-1] - 3) // 2 + 1)
    return sizes


def in_float32(recipe: str) -> dict:
    """The one recorded run of a recipe in float32 on a machine with bfloat16."""
    [run] = records.load(recipe, find(recipe).data, in_float32=True)
    return run


def watched(recipe: str, epoch: int) -> float:
    """Accuracy of the one recorded run after that epoch, on what it watches."""
    [run] = recorded(recipe)
    return run["history"][epoch - 1]["watched_accuracy"]


# Chapter 11. Layers are (channels in, channels out, side).
NAIVE_3A = (192, 64, 1), (192, 128, 3), (192, 32, 5)
INCEPTION_3A = (
    (192, 64, 1), (192, 96, 1), (96, 128, 3), (192, 16, 1), (16, 32, 5), (192, 32, 1),
)  # fmt: skip


def weights(*layers: tuple[int, int, int]) -> int:
    """Weights of convolutions, biases not counted."""
    return sum(inputs * outputs * side**2 for inputs, outputs, side in layers)


@cache
def ghost(name: str) -> nn.Module:
    """A network of torchvision without numbers."""
    import torchvision

    with torch.device("meta"):
        return getattr(torchvision.models, name)()


@cache
def _layers(name: str):
    """The layers of a network of Figure 11.1, or of the first MobileNet without normalization."""
    from nin_lib.live import where

    if name != "mobilenet":
        return where.layers_of(name)
    before, stack = 32, [nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False)]
    for width in (64, 128, 128, 256, 256, *6 * [512], 1024, 1024):
        stride = 2 if width == 2 * before > 64 else 1
        look = {"stride": stride, "padding": 1, "groups": before, "bias": False}
        stack.append(nn.Conv2d(before, before, 3, **look))
        stack.append(nn.Conv2d(before, width, 1, bias=False))
        before = width
    stack += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1000)]
    return where.layers(nn.Sequential(*stack).to("meta"), (3, 224, 224))


@cache
def counted(name: str) -> tuple[int, int]:
    """Its parameters and multiply-adds."""
    found = _layers(name)
    return sum(layer.params for layer in found), sum(layer.macs for layer in found)


def biggest(name: str):
    """The layer of a network of Figure 11.1 that has most parameters."""
    return max(_layers(name), key=lambda layer: layer.params)


def written(name: str) -> int:
    """Numbers that its convolutions and linear layers write for a picture."""
    return sum(layer.channels * math.prod(layer.positions) for layer in _layers(name) if layer.macs)


def papers_resnet50_macs() -> int:
    """Multiply-adds of ResNet-50 with its strides on the first 1×1 layers, as in its paper."""
    import torchvision

    with torch.device("meta"):
        network = torchvision.models.resnet50()
    for block in network.modules():
        if isinstance(block, torchvision.models.resnet.Bottleneck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return summary.trace(network, (1, 3, 224, 224)).macs


def gated_resnet50() -> tuple[int, int]:
    """Multiply-adds of gates in all blocks of ResNet-50: their layers, and the scaling of maps."""
    ends = [layer for layer in _layers("resnet50") if layer.name.endswith("conv3")]
    layers = sum(2 * layer.channels * layer.channels // 16 for layer in ends)
    return layers, sum(layer.channels * math.prod(layer.positions) for layer in ends)


@cache
def pointwise(name: str, *kinds: str) -> tuple[float, float]:
    """What share of the two is pointwise, or in other kinds of layers."""
    from nin_lib.live.where import shares

    return shares(_layers(name), *kinds)


def rounds(network: str, images: int, step: str = "forward") -> list[float]:
    """Seconds that a network took for so many images in each recorded round."""
    rows = records.one("network-costs", "cpu")["rows"]
    [row] = [
        r for r in rows if (r["network"], r["batch_size"], r["step"]) == (network, images, step)
    ]
    return row["seconds"]


def took(network: str, images: int, step: str = "forward") -> float:
    """Seconds that a network takes for so many images: the fastest recorded round."""
    return min(rounds(network, images, step))


def times_of(network: str, of=min) -> list[float]:
    """Seconds of a forward pass for 1 and 16 images, and of a training step for 1 and 16."""
    cases = itertools.product(("forward", "training"), (1, 16))
    return [of(rounds(network, images, step)) for step, images in cases]


def positions(block: int) -> list[int]:
    """Height and width of what a block of NiN-224 computes."""
    rows = summary.blocks(models.nin(), (1, 1, 224, 224))
    return next(row.shape[2:] for row in rows if row.name == f"block{block}")


def for_training(network: nn.Module, images: int) -> tuple[float, float]:
    """Bytes that training needs at least: three numbers per parameter, and kept inputs."""
    shape = (images, 1, 224, 224)
    rows = summary.trace(network, shape)
    sizes = [math.prod(shape), *(math.prod(row.shape) for row in rows)]
    kinds = ("Conv2d", "MaxPool2d", "Linear")
    kept = sum(size for size, row in zip(sizes, rows, strict=False) if row.kind in kinds)
    return 12 * rows.params, 4 * kept


def needs_more_from(network: nn.Module, other: nn.Module) -> int:
    """The smallest batch size for which training it needs more memory; from there on it does."""

    def more(images: int) -> bool:
        return sum(for_training(network, images)) > sum(for_training(other, images))

    sizes = range(1, 300)
    return sizes[bisect_left(sizes, True, key=more)]


def places_of_maxima(network: nn.Module, images: int) -> int:
    """Bytes for the places of the maxima of its pooling layers, eight for each."""
    rows = summary.trace(network, (images, 1, 224, 224))
    return 8 * sum(math.prod(row.shape) for row in rows if row.kind == "MaxPool2d")


def bought(what: str, old, new) -> tuple[int, float, int, int]:
    """Pairs of small networks that differ in one choice: how many, the mean change of accuracy as a
    share, and in how many every seed of the changed network is better, or worse, than every other.
    """
    from nin_lib.records.small_networks import measured_networks, small_records

    seeds = {row.choice: row.accuracies for row in measured_networks(small_records())}
    pairs = [
        (mine, seeds[changed])
        for choice, mine in seeds.items()
        if getattr(choice, what) == old and (changed := replace(choice, **{what: new})) in seeds
    ]
    change = mean(mean(b) - mean(a) for a, b in pairs)
    better = sum(min(b) > max(a) for a, b in pairs)
    return len(pairs), change, better, sum(max(b) < min(a) for a, b in pairs)


def changed_means(what: str, old, new) -> tuple[int, int]:
    """In how many of these pairs the mean accuracy over the seeds is higher, and in how many lower,
    with the changed network."""
    from nin_lib.records.small_networks import measured_networks, small_records

    means = {row.choice: mean(row.accuracies) for row in measured_networks(small_records())}
    changes = [
        means[changed] - before
        for choice, before in means.items()
        if getattr(choice, what) == old and (changed := replace(choice, **{what: new})) in means
    ]
    return sum(change > 0 for change in changes), sum(change < 0 for change in changes)


def traded(what: str, old, new) -> tuple[float, float, float, int, int, int]:
    """What these pairs pay and get, on average: parameters, multiply-adds, points of accuracy; and
    in how many the changed network is better, or worse, of how many."""
    from nin_lib.records.small_networks import measured_networks, small_records

    rows = {row.choice: row for row in measured_networks(small_records())}
    pairs = [
        (row, rows[changed])
        for choice, row in rows.items()
        if getattr(choice, what) == old and (changed := replace(choice, **{what: new})) in rows
    ]
    count, change, better, worse = bought(what, old, new)
    paid = (mean(getattr(b, n) - getattr(a, n) for a, b in pairs) for n in ("params", "macs"))
    return *paid, 100 * change, better, worse, count


def per_block(count: int) -> tuple[int, float, float, int]:
    """The pocket network with so many 1×1 layers per block: parameters, mean and standard
    deviation of its accuracy as shares, seeds."""
    recipe = list(studies.POINTWISE.values())[count]
    runs = [run["result"]["accuracy"] for run in recorded(recipe.name)]
    return params(recipe.network()), mean(runs), stdev(runs), len(runs)


def nin_with_3x3() -> nn.Module:
    """NiN-224 with 3×3 convolutions in place of its 1×1 layers."""
    network = models.nin()
    for block in (network.block1, network.block2, network.block3, network.block4):
        for name in ("pointwise1", "pointwise2"):
            layer = getattr(block, name)
            setattr(block, name, nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1))
    return network


def connected(network: nn.Module, what: str) -> float:
    """The share of its fully connected layers in ``params`` or ``macs``."""
    rows = summary.trace(network, (1, 1, 224, 224))
    return sum(getattr(row, what) for row in rows if row.kind == "Linear") / getattr(rows, what)


# Chapter 9.
@cache
def _run_of_figure(**changed) -> list:
    """The run of Figure 9.1 as it opens, with some settings changed, up to its end or its death."""
    steps = []
    with torch.device("cpu"):
        for step in dying.run(live.Die().settings()._replace(**changed), dying.STEPS):
            steps.append(step)
            if step.gradient == 0:
                break
    return steps


def dies(**changed) -> int:
    """The step from which on the network of Figure 9.1 is dead."""
    last = _run_of_figure(**changed)[-1]
    assert last.gradient == 0, "it does not die"
    return last.step


def last_loss(**changed) -> float:
    """The loss of the network of Figure 9.1 after all of its steps."""
    last = _run_of_figure(**changed)[-1]
    assert last.gradient > 0, "it dies"
    return last.loss


def of_chapter_9(name: str):
    """What a cell of the chapter defines: ``dead``, for each of its thirty small networks how many
    class maps are dead before training; ``norms``, the gradients' by ending and seed."""
    return ran("09_when_nin_does_not_train", "norms")[name]


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    """The convolutions of a network, in order."""
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


@cache
def padded_as_in_keras() -> tuple[float, float, int]:
    """The trained pocket network on the first 1,000 drawn garments for the test: its accuracy with
    the zeros of Keras's ``"same"`` before its first layer, with its own, and how many answers
    differ."""
    with torch.device("cpu"), torch.no_grad():
        drawn = data.load("wardrobe")
        x = train.prepare(drawn.test_images[:1000], RECIPES["pocket"])
        network = models.pocket_nin(trained=True)
        own = network(x).argmax(1)
        convolutions(network)[0].padding = 0
        keras = network(nn.functional.pad(x, (1, 2, 1, 2))).argmax(1)
    shares = ((said == drawn.test_labels[:1000]).float().mean().item() for said in (keras, own))
    return *shares, (keras != own).sum().item()
