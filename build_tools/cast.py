"""The networks of the book in one table, for the start page: what each is called, what it takes,
how it ends, how many parameters it has, which chapters name it. All of it is computed."""

import re
from dataclasses import dataclass
from functools import cache, partial

import book_map

AVERAGE, FULL = "average", "fully connected"


@dataclass(frozen=True)
class Member:
    """A network of the book, or a family of them.

    Attributes:
        name: as the chapters write it.
        call: what makes it.
        input: channels × height × width.
        head: what turns its last feature maps into scores.
        parameters: the fewest and the most of a family; of a single network the same twice.
        named: a pattern that finds it in the text or the code of a chapter.
    """

    name: str
    call: str
    input: str
    head: str
    parameters: tuple[int, int]
    named: str


@cache
def members() -> tuple[Member, ...]:
    """The networks, from the smallest inputs to the largest."""
    import torch
    from torchvision.models import vgg11

    from nin_lib import models
    from nin_lib.live import training
    from nin_lib.records import small_networks

    def count(make) -> tuple[int, int]:
        with torch.device("meta"):
            return 2 * (sum(p.numel() for p in make().parameters()),)

    def vgg():
        network = vgg11(num_classes=10)
        network.features[0] = torch.nn.Conv2d(1, 64, 3, padding=1)
        return network

    twin = partial(training.untrained, training.Settings(network="twin"))
    pair = tuple(sorted(count(choice.network)[0] for choice in models.small.PAIR.values()))
    runs = small_networks.measured_networks(small_networks.small_records())
    costs = [run.params for run in runs]
    small, large, color = "1×28×28", "1×224×224", "3×224×224"
    return (
        Member("pocket network", "models.pocket_nin", small, AVERAGE, count(models.pocket_nin),
               r"[Pp]ocket network|pocket_nin"),
        Member("small twin", "live.TrainHere", small, AVERAGE, count(twin),
               r"small twin|TrainHere"),
        Member("pair of Figure 4.1", "models.trained_pair", small, "one of each", pair,
               r"trained_pair|live\.Slide"),
        Member("family of Figure 6.3", "models.small_nin", small, "either",
               (min(costs), max(costs)), r"small_nin|live\.Budget"),
        Member("the paper’s for CIFAR-10", "models.nin_paper", "3×32×32", AVERAGE,
               count(partial(models.nin_paper, "cifar10")), r"nin_paper"),
        Member("NiN-224", "models.nin", large, AVERAGE, count(models.nin),
               r"NiN-224|models\.nin\b"),
        Member("NiN-1000", "models.nin_imagenet", color, AVERAGE, count(models.nin_imagenet),
               r"NiN-1000|nin_imagenet"),
        Member("AlexNet", "models.alexnet", large, FULL, count(models.alexnet),
               r"models\.alexnet|AlexNet \|"),
        Member("VGG-11", "torchvision.models.vgg11", large, FULL, count(vgg), r"vgg11"),
    )  # fmt: skip


def used(member: Member, pages: list[book_map.Page]) -> list[book_map.Page]:
    """The chapters that name a network or make it."""
    chapters = [page for page in pages if page.number]
    texts = {page: book_map.file_of(page.name).read_text(encoding="utf-8") for page in chapters}
    return [page for page in chapters if re.search(member.named, texts[page])]


def table(pages: list[book_map.Page]) -> str:
    """The table as Markdown."""
    lines = [
        "| network | input | head | parameters | chapters |",
        "| --- | --- | --- | --- | --- |",
    ]
    for member in members():
        counts = " to ".join(f"{count:,}" for count in sorted(set(member.parameters)))
        where = ", ".join(
            f"[{page.number}]({book_map.file_of(page.name).name})" for page in used(member, pages)
        )
        name = f"{member.name}, `{member.call}`"
        lines.append(f"| {name} | {member.input} | {member.head} | {counts} | {where} |")
    return "\n".join(lines)
