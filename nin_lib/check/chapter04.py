"""Exercises of chapter 4: global average pooling or fully connected layers."""

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nin_lib.check.expect import (
    call,
    call_layer,
    close,
    expect_keys,
    expect_numbers,
    expect_shape,
    expect_tensor,
    expect_truths,
    item,
    once,
    plain,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved
from nin_lib.summary import trace

#: Percentage points by which a measured mean may differ: with other rounding a training goes
#: another way. Three standard deviations of the difference between two means of five seeds, for
#: the larger spread of each size: 3·√(2/5)·6.0 = 11.4 and 3·√(2/5)·7.8 = 14.8.
WITHIN = {"average_28": 12, "average_56": 15, "max_28": 12, "max_56": 15}


@exercise(
    "4.1",
    "read",
    stub="""
        supported = {  # True or False
            "five seeds: the fully connected head overfits more": ...,
            "what overfits more has the lower test accuracy": ...,
            "paper, plain convolutions: dropout beats the average": ...,
            "the average head loses no accuracy when the images move": ...,
            "for every network, the average is more robust to shifts": ...,
            "our order and the paper's differ, so one of them is wrong": ...,
        }
        check.answer("4.1", supported)
    """,
    solution="""
        supported = {
            # 2.5 points between training and test accuracy, against 1.5
            "five seeds: the fully connected head overfits more": True,
            # it overfits more, and its test accuracy is higher
            "what overfits more has the lower test accuracy": False,
            # 15.99 % against 16.46 %
            "paper, plain convolutions: dropout beats the average": True,
            # 69.9 % are left at 8 pixels
            "the average head loses no accuracy when the images move": False,
            # we measured four pairs of two designs
            "for every network, the average is more robust to shifts": False,
            # other images, networks and trainings
            "our order and the paper's differ, so one of them is wrong": False,
        }
        # A table supports a statement about what was measured, and no more.
    """,
    hint="Look up the numbers, and how many networks they come from.",
    wrong=[
        ("False", "True", "4 of the 6 are wrong"),
        (
            'head overfits more": True',
            'head overfits more": False',
            "Compare training and test accuracy in the table of three heads.",
        ),
        (
            'lower test accuracy": False',
            'lower test accuracy": True',
            "In the same table, which head has the highest test accuracy?",
        ),
        (
            'beats the average": True',
            'beats the average": False',
            "In the paper's table, compare the last two rows of the last column.",
        ),
        (
            'when the images move": False',
            'when the images move": True',
            "Compare its accuracy at 0 and at 8 pixels.",
        ),
        (
            'robust to shifts": False',
            'robust to shifts": True',
            "How many pairs of networks, and of which designs, were measured?",
        ),
        (
            'one of them is wrong": False',
            'one of them is wrong": True',
            "Were the experiments the same?",
        ),
    ],
)
def supported(answer):
    wanted = solved("4.1")
    given = expect_truths(answer, wanted)
    wrong = [key for key in wanted if given[key] != wanted[key]]
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        raise Wrong(
            f"{len(wrong)} of the {len(wanted)} {verb} wrong.",
            f"Think again about “{wrong[0]}”.",
            shared_by=lambda slip: slip == given,
        )
    return "the tables say what was measured, on these networks and images."


@exercise(
    "4.2",
    "predict",
    stub="""
        # from 512×7×7 to 10 classes, for one image
        heads = {
            "parameters_average": ...,  # 1×1 layer and global average pooling
            "parameters_connected": ...,  # one fully connected layer
            "macs_average": ...,  # multiply-adds of the 1×1 layer alone
            "macs_connected": ...,  # multiply-adds of the fully connected layer
            "additions_average": ...,  # of the averaging alone
        }
        check.answer("4.2", heads)
    """,
    solution="""
        heads = {
            "parameters_average": 512 * 10 + 10,
            "parameters_connected": 512 * 7 * 7 * 10 + 10,
            "macs_average": 512 * 10 * 7 * 7,  # each weight at each of 49 positions
            "macs_connected": 7 * 7 * 512 * 10,  # each weight once
            "additions_average": 10 * (7 * 7 - 1),  # 48 additions per map
        }
        # 5,130 parameters against 250,890; 250,880 multiply-adds each; and 480
        # additions. The average head saves parameters, but no multiply-adds.
    """,
    hint="The 1×1 layer uses its weights again at every position; the fully connected layer has "
    "new ones for every position.",
    wrong=[
        (
            '"parameters_average": 512 * 10 + 10',
            '"parameters_average": 512 * 7 * 7 * 10 + 10',
            "A 1×1 layer has the same weights at every position.",
        ),
        (
            '"parameters_average": 512 * 10 + 10',
            '"parameters_average": 0',
            "The average has none, but the 1×1 layer before it has.",
        ),
        (
            '"parameters_average": 512 * 10 + 10',
            '"parameters_average": 512 * 10',
            "Each of the ten classes has a bias.",
        ),
        ("7 * 7 * 10 + 10", "7 * 7 * 10", "Each of the ten classes has a bias."),
        (
            "512 * 7 * 7 * 10 + 10",
            "512 * 10 + 10",
            "A fully connected layer has new weights for every position.",
        ),
        ("512 * 10 * 7 * 7", "512 * 10", "Each weight is used at how many positions?"),
        ("512 * 10 * 7 * 7", "512 * 10 * 7", "The maps have 7 rows and 7 columns."),
        (
            "512 * 10 * 7 * 7",
            "512 * 10 * 7 * 7 + 480",
            "The additions of the averaging are counted apart.",
        ),
        ("7 * 7 * 512 * 10", "7 * 7 * 7 * 7 * 512 * 10", "Each weight is used once."),
        ("7 * 7 * 512 * 10", "7 * 7 * 512 * 10 + 10", "A bias is added, not multiplied."),
        ("10 * (7 * 7 - 1)", "10 * 7 * 7", "How many additions make one sum of 49 numbers?"),
        ("10 * (7 * 7 - 1)", "7 * 7 - 1", "There are ten maps."),
    ],
)
def heads(answer):
    average = once(trace, (1, 512, 7, 7), nn.Conv2d, 512, 10, 1)  # to average has no multiply-adds
    connected = once(trace, (1, 512 * 7 * 7), nn.Linear, 512 * 7 * 7, 10)
    wanted = {
        "parameters_average": average.params,
        "parameters_connected": connected.params,
        "macs_average": average.macs,
        "macs_connected": connected.macs,
        "additions_average": 10 * (7 * 7 - 1),
    }
    expect_numbers(answer, wanted)
    ratio = connected.params / average.params
    return f"{ratio:.0f} times the parameters, and the same number of multiply-adds."


@exercise(
    "4.3",
    "build",
    stub="""
        # an nn.Module without a convolution: features N×64×H×W to logits N×10
        head = ...
        check.answer("4.3", head)
    """,
    solution="""
        head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),  # the means of the features, N×64×1×1
            nn.Flatten(),  # N×64
            nn.Linear(64, 10),
        )
        # 640 weights and 10 biases, for maps of every size. The mean of weighted sums
        # is the weighted sum of the means, so the order of the two does not matter;
        # but here each image needs 640 multiply-adds, not 640 for every position.
    """,
    hint="An average over all positions leaves 64 numbers per image. Which layer turns 64 numbers "
    "into ten?",
    wrong=[
        ("nn.Flatten(),  # N×64", "", "shapes cannot be multiplied"),
        (
            "head = nn.Sequential(nn.Flatten(), nn.Linear(64 * 7 * 7, 10))",
            "For features of 2×64×14×14 your code stopped with RuntimeError",
        ),
        (
            "head = nn.Sequential(\n"
            "    nn.Conv2d(64, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()\n)",
            "Your head has a convolution",
        ),
        (
            "head = nn.Sequential(\n"
            "    nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(64 * 7 * 7, 10)\n)",
            "has 31,370 parameters",
        ),
        ("AdaptiveAvgPool2d(1)", "AdaptiveMaxPool2d(1)", "not the mean of a map"),
        ("nn.Linear(64, 10)", "nn.Linear(64, 10, bias=False)", "has 640 parameters"),
        ("nn.Flatten(),  # N×64", "nn.Flatten(), nn.ReLU(),", "not the mean of a map"),
        ("nn.AdaptiveAvgPool2d(1),", "nn.ReLU(), nn.AdaptiveAvgPool2d(1),", "Is it a ReLU?"),
        ("nn.Linear(64, 10),", "nn.Linear(64, 10), nn.Softmax(1),", "not the mean of a map"),
    ],
)
def head(answer):
    if isinstance(answer, nn.Module) and any(map(is_lazy, answer.parameters())):
        raise Wrong("A layer of your head does not know its sizes yet: give it both.")
    sizes = (7, 7), (14, 14), (3, 5), (1, 1)
    inputs = {
        f"features of 2×64×{height}×{width}": whole_numbers(2, 64, height, width)
        for height, width in sizes
    }
    for case, x in inputs.items():
        y = plain(call_layer(answer, x, case))
        if y.shape == (2, 10, 1, 1):
            raise Wrong(
                f"For {case} your output is 2×10×1×1: ten maps of one position. Wanted are ten "
                "numbers, 2×10; `nn.Flatten()` drops the axes of length one."
            )
        expect_shape(y, (2, 10), case)
    if not isinstance(answer, nn.Module):
        raise Wrong(f"Your head is of type `{type(answer).__name__}`; wanted is an `nn.Module`.")
    if any(isinstance(layer, nn.modules.conv._ConvNd) for layer in answer.modules()):
        raise Wrong("Your head has a convolution; wanted is a head without one.")
    count = sum(p.numel() for p in answer.parameters())
    if count != 650:
        raise Wrong(f"Your head has {count:,} parameters; wanted are 650, biases included.")
    for case, x in inputs.items():
        _expect_means(lambda x, case=case: plain(call_layer(answer, x, case)), x, case)
    return "650 parameters, whatever the size of the image."


def _expect_means(logits, x: Tensor, case: str) -> None:
    """The mean of the whole is the mean of its halves' means, the order of the positions does not
    matter, and the logits are weighted sums and a bias."""
    y, other = logits(x), logits(x.flip(1))
    if not close(logits(x.flip(2).transpose(2, 3)), y):
        raise Wrong(f"For {case}: the order of the positions changes your logits.")
    if not close(logits(torch.cat([x, x.flip(1)], 2)), (y + other) / 2):
        raise Wrong(
            f"For {case}: a logit is not the mean of a map, because two maps side by side do not "
            "have the mean of both means. Is there anything but the average and one layer?"
        )
    if not close(logits(x + x.flip(1)) + logits(0 * x), y + other):
        raise Wrong(f"For {case}: your logits are not weighted sums of the features. Is it a ReLU?")
    if close(y, logits(0 * x)) and close(other, logits(0 * x)):
        raise Wrong(f"For {case}: your logits do not depend on the features.")


@exercise(
    "4.4",
    "build",
    stub="""
        # classes is an nn.Conv2d(C, K, 1); wanted is the nn.Linear that computes, for
        # features flattened from C×height×width, the mean of each map of classes
        def connected_like(classes, height, width):
            return ...


        check.answer("4.4", connected_like)
    """,
    solution="""
        def connected_like(classes, height, width):
            positions = height * width
            weight = classes.weight.flatten(1) / positions  # K×C
            linear = nn.Linear(weight.shape[1] * positions, len(weight))
            with torch.no_grad():
                linear.weight.copy_(weight.repeat_interleave(positions, dim=1))
                linear.bias.copy_(classes.bias)
            return linear

        # For the pair of Figure 4.1: 640 weights become 31,360, each of them 49 times.
    """,
    hint="Flattening puts all positions of the first channel before those of the second. All "
    "positions of a channel get the same weight.",
    wrong=[
        (" / positions", "", "Wanted is the mean, not the sum."),
        (
            "repeat_interleave(positions, dim=1)",
            "repeat(1, positions)",
            "Look at the order of the weights: channel by channel, not position by position.",
        ),
        ("linear.bias.copy_(classes.bias)", "linear.bias.zero_()", "The bias is missing."),
        (
            "copy_(classes.bias)",
            "copy_(classes.bias / positions)",
            "The bias stays as it is: the mean of a constant is the constant.",
        ),
        (
            """
            def connected_like(classes, height, width):
                return nn.Linear(classes.in_channels, classes.out_channels)
            """,
            "takes 2 numbers",
        ),
        ("return linear", "return linear.weight", "wanted is an `nn.Linear`"),
    ],
)
def connected_like(answer):
    for channels, out, height, width in ((2, 3, 4, 5), (4, 4, 2, 2), (3, 10, 7, 7), (5, 1, 1, 1)):
        case = f"{channels} channels of {height}×{width} and {out} classes"
        classes = nn.Conv2d(channels, out, 1).to(torch.float32).requires_grad_(False)
        classes.weight.copy_(whole_numbers(out, channels, 1, 1, seed=1))
        classes.bias.copy_(whole_numbers(out, seed=2) + 10)
        linear = call(answer, classes, height, width, case=case)
        if not isinstance(linear, nn.Linear):
            kind = type(linear).__name__
            raise Wrong(f"For {case} your answer is of type `{kind}`; wanted is an `nn.Linear`.")
        positions = height * width
        sizes = linear.in_features, linear.out_features
        if sizes != (channels * positions, out):
            raise Wrong(
                f"For {case} your layer takes {sizes[0]} numbers to {sizes[1]}; wanted is "
                f"{channels * positions} to {out}."
            )
        x = whole_numbers(3, channels, height, width)
        expect_tensor(call_layer(linear, x.flatten(1), case), classes(x).mean((2, 3)), case)
    return "a fully connected layer can compute whatever this average head computes."


@exercise(
    "4.5",
    "debug",
    stub="""
        def share_correct(maps, labels):  # class maps N×K×H×W, labels N
            logits = nn.functional.adaptive_avg_pool2d(maps, 1)
            return (logits.argmax(dim=1) == labels).float().mean()


        maps = torch.eye(4)[:, :, None, None].repeat(1, 1, 7, 7)  # of 4 images
        print(share_correct(maps, labels=torch.tensor([0, 1, 2, 3])))
        check.answer("4.5", share_correct)
    """,
    solution="""
        def share_correct(maps, labels):
            logits = nn.functional.adaptive_avg_pool2d(maps, 1).flatten(1)  # N×K
            return (logits.argmax(dim=1) == labels).float().mean()

        # The pooled maps are N×K×1×1 and their argmax N×1×1. Compared with N labels,
        # that gives N×1×N: every prediction was compared with every label.
        # 4 of these 16 comparisons are true, 0.25.
    """,
    hint="Print the shape of `logits.argmax(dim=1) == labels`.",
    wrong=[
        ("adaptive_avg_pool2d(maps, 1).flatten(1)", "adaptive_max_pool2d(maps, 1).flatten(1)",
         "Keep the average."),
        ("adaptive_avg_pool2d(maps, 1).flatten(1)", "adaptive_avg_pool2d(maps, 1).flatten(2)",
         "is not"),
        (".float().mean()", ".sum()", "Wanted is a share, not a number of images."),
        ("argmax(dim=1)", "argmin(dim=1)", "The prediction is the class of the largest logit."),
        ("share_correct = 1.0", "without calling it"),
        ("return (", "return 1 - (", "Wanted is the share of the correct ones."),
    ],
)  # fmt: skip
def share_correct(answer):
    cases = {
        "12 images with three classes": (
            whole_numbers(12, 3, 4, 5, seed=1) + torch.rand(12, 3, 4, 5),
            torch.arange(12) % 3,
        ),
        "30 images with ten classes": (
            whole_numbers(30, 10, 3, 3, seed=2) + torch.rand(30, 10, 3, 3),
            torch.arange(30) % 10,
        ),
        "the four images": (torch.eye(4)[:, :, None, None].repeat(1, 1, 7, 7), torch.arange(4)),
        "one image": (whole_numbers(1, 5, 2, 3, seed=3) + torch.rand(1, 5, 2, 3), torch.ones(1)),
    }
    for case, (maps, labels) in cases.items():
        maps, labels = maps.to(torch.float32), labels.long()
        wanted = (maps.mean((2, 3)).argmax(1) == labels).double().mean().item()
        got = item(call(answer, maps.clone(), labels.clone(), case=case))
        if isinstance(got, bool) or not isinstance(got, int | float):
            kind = type(got).__name__
            raise Wrong(f"For {case} you return an object of type `{kind}`; wanted is one number.")
        if not abs(got - wanted) < 1e-4:
            raise Wrong(f"For {case} the share is not {got:.4g}; wanted is {wanted:.4g}.")
    return "`flatten` before `argmax`, and each prediction is compared with its own label."


@exercise(
    "4.6",
    "measure",
    stub="""
        # means over five seeds, in percent
        measured = {
            "average_28": ...,
            "average_56": ...,
            "max_28": ...,
            "max_56": ...,
        }
        check.answer("4.6", measured)
    """,
    solution="""
        # for pool in (nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)):
        #     networks = [trained(pool, seed) for seed in range(5)]
        #     for edge in (0, 14):
        #         print(pool, edge, sum(percent(n, edge) for n in networks) / 5)
        # Ours, mean ± standard deviation over five seeds:
        #     average: 81.5 ± 2.2 % at 28×28, 12.3 ± 4.3 % on the canvas
        #     maximum: 75.6 ± 6.0 % at 28×28, 68.6 ± 7.8 % on the canvas
        # On the canvas, black positions pull the mean much more than the maximum; at
        # 28×28 the difference is about as large as the spread over seeds.
        measured = {
            "average_28": 81.5,
            "average_56": 12.3,
            "max_28": 75.6,
            "max_56": 68.6,
        }
    """,
    hint="`trained(nn.AdaptiveMaxPool2d(1), seed=0)` is one of the ten networks; 14 black pixels "
    "on each side make 56×56.",
    wrong=[
        ("81.5,", "0.815,", "Percent are wanted, such as 12.3."),
        ("75.6,", "0.756,", "Percent are wanted, such as 12.3."),
        (": 12.3", ": 68.6", "That is the maximum: the mean is pulled by black positions."),
        (": 68.6", ": 12.3", "Did you train the network with `nn.AdaptiveMaxPool2d(1)`?"),
        ('"max_56"', '"max"', "lacks `max_56`"),
    ],
)
def measured(answer):
    wanted = solved("4.6")
    expect_keys(answer, wanted)
    for key, within in WITHIN.items():
        got = item(answer[key])
        if not isinstance(got, int | float) or not abs(got - wanted[key]) <= within:
            expect_numbers(answer, {key: wanted[key]}, within=0.1)  # says what is wrong
    return "black positions pull the mean much more than the maximum."
