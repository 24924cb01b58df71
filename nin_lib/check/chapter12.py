"""Exercises of chapter 12: NiN in Keras. What they hand over is run with the reader's Keras."""

import re

import torch
from torch import Tensor, nn

from nin_lib.check.expect import (
    call,
    expect_numbers,
    expect_tensor,
    expect_truths,
    plain,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved


def _call(function, *arguments, case: str):
    """As ``call``; but an error names a layer "dense", whichever of the session it is."""
    try:
        return call(function, *arguments, case=case)
    except Wrong as mistake:
        raise Wrong(re.sub(r"\b([a-z]\w*[a-z\d])_\d+\b", r"\1", mistake.nudge)) from None


def _outputs(model, x: Tensor, case: str, **mode) -> Tensor:
    """What a Keras layer or network returns for x, N×C×H×W, given to it with the channels last."""
    from keras import Layer, ops

    if not isinstance(model, Layer):
        kind = type(model).__name__
        raise Wrong(f"Your output is of type `{kind}`; wanted is a layer or network of Keras.")
    images = x.movedim(1, -1).to(torch.float32).numpy()
    y = _call(lambda given: model(given, **mode), images, case=case)
    y = torch.tensor(ops.convert_to_numpy(y))
    return y.movedim(-1, 1) if y.dim() == x.dim() else y


def _filled(layer: nn.Module) -> nn.Module:
    """The layer with whole numbers for weights, in float32."""
    layer = layer.to(torch.float32)
    with torch.no_grad():
        for seed, parameter in enumerate(layer.parameters(), 1):
            parameter.copy_(whole_numbers(*parameter.shape, seed=seed))
    return layer


@exercise(
    "12.1",
    "read",
    stub="""
        # True where the loss takes the outputs for what they are
        fits = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ...}
        check.answer("12.1", fits)
    """,
    solution="""
        fits = {
            "a": True,  # logits, taken for logits
            "b": False,  # probabilities taken for logits: a second softmax
            "c": False,  # logits taken for probabilities
            "d": True,  # probabilities, taken for probabilities
            "e": True,  # averages of probabilities are probabilities
        }
    """,
    hint="First decide what comes out: logits or probabilities. With `False` the loss takes "
    "them for probabilities.",
    wrong=[
        ('"a": True', '"a": False', "Averages of feature maps are logits, and `True` says so."),
        ('"b": False', '"b": True', "The loss would apply a second softmax."),
        ('"c": False', '"c": True', "With `False`, the loss expects probabilities."),
        ('"d": True', '"d": False', "The softmax makes probabilities, and those are expected."),
        ('"e": True', '"e": False', "Averages of probabilities add up to 1, too."),
        ('"e": True', '"e": "yes"', "True or False"),
    ],
)
def fits(answer):
    wanted = solved("12.1")
    for key, value in expect_truths(answer, wanted).items():
        if value != wanted[key]:
            raise Wrong(
                f"“{key}” is not {value}.",
                shared_by=lambda slip, key=key, value=value: slip[key] == value,
            )
    return "with d and e, the network itself outputs probabilities; with a it trains on logits."


@exercise(
    "12.2",
    "predict",
    stub="""
        numbers = {
            "outputs_valid": ...,  # per row, with padding="valid"
            "outputs_same": ...,  # per row, with padding="same"
            "zeros_before": ...,  # that "same" puts before each row
            "zeros_after": ...,  # that "same" puts after each row
            "steps": ...,  # of fit on 1,000 images for 3 epochs, no batch size
        }
        check.answer("12.2", numbers)
    """,
    solution="""
        same = -(-32 // 2)  # 32 / 2, rounded up
        zeros = (same - 1) * 2 + 5 - 32  # equation (12.1)
        numbers = {
            "outputs_valid": (32 - 5) // 2 + 1,
            "outputs_same": same,
            "zeros_before": zeros // 2,
            "zeros_after": zeros - zeros // 2,  # the larger half
            "steps": 3 * -(-1000 // 32),  # the last batch of an epoch is smaller
        }
    """,
    hint="The last of the windows begins at (outputs − 1) · 2 and is 5 wide: so wide must the "
    "padded row be. Without a batch size, `fit` takes 32.",
    wrong=[
        ("(32 - 5) // 2 + 1", "(32 - 5) // 2", "The first window counts, too."),
        ("(32 - 5) // 2 + 1", "15", "The whole window must fit."),
        ("(32 - 5) // 2 + 1", "16", 'That is "same".'),
        ('"outputs_same": same', '"outputs_same": 32', "Only stride 1 keeps the width."),
        ('"outputs_same": same', '"outputs_same": 14', 'That is "valid"; "same" adds zeros.'),
        ('"zeros_before": zeros // 2', '"zeros_before": 2', "The larger half comes after."),
        ('"zeros_before": zeros // 2', '"zeros_before": 3', "A part of them comes after the row."),
        (
            '"zeros_after": zeros - zeros // 2',
            '"zeros_after": zeros // 2',
            "The number of zeros is odd, and the larger half comes after.",
        ),
        ('"zeros_after": zeros - zeros // 2', '"zeros_after": 3', "A part comes before the row."),
        ("3 * -(-1000 // 32)", "3 * (1000 // 32)", "The last, smaller batch is a step, too."),
        ("3 * -(-1000 // 32)", "-(-3000 // 32)", "Each epoch ends with a smaller batch."),
        ("3 * -(-1000 // 32)", "3", "An epoch has many batches."),
        ("3 * -(-1000 // 32)", "-(-1000 // 32)", "That is one epoch."),
    ],
)
def numbers(answer):
    expect_numbers(answer, solved("12.2"))
    return "PyTorch’s `padding=2` would put the windows one pixel further to the left."


@exercise(
    "12.3",
    "build",
    stub="""
        # conv: an nn.Conv2d(C, C, k, stride, padding, groups=C), square, with a
        # bias; returns a keras.Sequential that computes the same, N×H×W×C
        def depthwise(conv):
            return ...


        check.answer("12.3", depthwise)
    """,
    solution="""
        import keras
        from keras import layers


        def depthwise(conv):
            zeros = layers.ZeroPadding2D(conv.padding[0])
            layer = layers.DepthwiseConv2D(conv.kernel_size[0], conv.stride[0])
            shape = (None, None, conv.in_channels)
            model = keras.Sequential([keras.Input(shape), zeros, layer])
            kernel = conv.weight.detach().permute(2, 3, 0, 1)  # C×1×k×k → k×k×C×1
            layer.set_weights([kernel.numpy(), conv.bias.detach().numpy()])
            return model
    """,
    hint="`ZeroPadding2D`, then `DepthwiseConv2D` without padding. The kernel of PyTorch is "
    "C×1×k×k.",
    wrong=[
        ("permute(2, 3, 0, 1)", "permute(2, 3, 1, 0)", "your code stopped with"),
        ("permute(2, 3, 0, 1)", "permute(3, 2, 0, 1)", "Height and width have changed places."),
        (
            "permute(2, 3, 0, 1)",
            "reshape(*conv.kernel_size, -1, 1)",
            "`reshape` leaves the numbers in their old order.",
        ),
        ("[keras.Input(shape), zeros, layer]", "[keras.Input(shape), layer]", "your output is"),
        (
            "conv.stride[0])\n",
            'conv.stride[0], "same")\n    zeros = layers.ZeroPadding2D(0)\n',
            'With a stride above 1, `"same"` puts the zeros elsewhere.',
        ),
        ("conv.bias.detach()", "0 * conv.bias.detach()", "The bias is missing."),
        ("return model", "return kernel", "a layer or network of Keras"),
    ],
)
def depthwise(answer):
    for channels, kernel, stride, side in ((4, 3, 2, 8), (3, 3, 1, 5), (2, 5, 2, 8)):
        given = {"padding": kernel // 2, "groups": channels}
        conv = _filled(nn.Conv2d(channels, channels, kernel, stride, **given))
        x = whole_numbers(2, channels, side, side)
        case = f"kernel size {kernel}, stride {stride} and {channels} channels"
        got = _outputs(_call(answer, conv, case=case), x, case)
        expect_tensor(got, conv(x), case)
    return "the 1 stands at the end, where `Conv2D` has its output channels."


@exercise(
    "12.4",
    "build",
    stub="""
        # linear: an nn.Linear(C * height * width, K) behind nn.Flatten; returns a
        # keras.Sequential of Flatten and Dense that computes the same, N×H×W×C
        def head(linear, channels, height, width):
            return ...


        check.answer("12.4", head)
    """,
    solution="""
        import keras
        from keras import layers


        def head(linear, channels, height, width):
            shape = (height, width, channels)
            dense = layers.Dense(linear.out_features)
            model = keras.Sequential([keras.Input(shape), layers.Flatten(), dense])
            maps = linear.weight.detach().unflatten(1, (channels, height, width))
            kernel = maps.permute(2, 3, 1, 0).flatten(0, 2)
            dense.set_weights([kernel.numpy(), linear.bias.detach().numpy()])
            return model
    """,
    hint="Give the long axis of the weight its three axes back, bring all four into the order of "
    "Keras, and flatten three of them again.",
    wrong=[
        (
            "maps.permute(2, 3, 1, 0).flatten(0, 2)",
            "maps.flatten(1).T",
            "The axes are in place, but along the long one it is still PyTorch’s order.",
        ),
        ("(2, 3, 1, 0)", "(3, 2, 1, 0)", "You flatten column by column; Keras goes row by row."),
        ("maps.permute(2, 3, 1, 0).flatten(0, 2)", "maps.flatten(1)", "your code stopped with"),
        ("linear.bias.detach()", "0 * linear.bias.detach()", "The bias is missing."),
        ("return model", "return dense", "your code stopped with"),
        ("return model", "return kernel", "a layer or network of Keras"),
    ],
)
def head(answer):
    for channels, height, width, classes in ((2, 3, 3, 4), (3, 2, 5, 6), (4, 1, 1, 3)):
        linear = _filled(nn.Linear(channels * height * width, classes))
        x = whole_numbers(2, channels, height, width)
        case = f"{channels} channels of {height}×{width}"
        got = _outputs(_call(answer, linear, channels, height, width, case=case), x, case)
        expect_tensor(got, linear(x.flatten(1)), case)
    return "the same numbers, position by position instead of channel by channel."


@exercise(
    "12.5",
    "debug",
    stub="""
        from keras import layers


        def norm_in_keras(norm):  # norm: an nn.BatchNorm2d
            layer = layers.BatchNormalization(momentum=norm.momentum)
            layer.build((None, None, None, norm.num_features))
            values = norm.weight, norm.bias, norm.running_var, norm.running_mean
            layer.set_weights([value.detach().numpy() for value in values])
            return layer


        check.answer("12.5", norm_in_keras)
    """,
    solution="""
        from keras import layers


        def norm_in_keras(norm):
            momentum = 1 - norm.momentum  # the share of the old value
            layer = layers.BatchNormalization(epsilon=norm.eps, momentum=momentum)
            layer.build((None, None, None, norm.num_features))
            values = norm.weight, norm.bias, norm.running_mean, norm.running_var
            layer.set_weights([value.detach().numpy() for value in values])
            return layer
    """,
    hint="Keras wants scale, shift, mean, variance; its epsilon is not PyTorch’s; and its momentum "
    "is the share of the old value.",
    wrong=[
        ("norm.running_mean, norm.running_var", "norm.running_var, norm.running_mean",
         "Keras takes the mean before the variance."),
        ("epsilon=norm.eps, ", "", "Keras has another epsilon."),
        ("norm.weight, norm.bias", "norm.bias, norm.weight", "Keras takes the scale first."),
        ("1 - norm.momentum", "norm.momentum", "the running mean"),
        ("momentum = 1 - norm.momentum", "momentum = 0.99", "the running mean"),
        ("return layer", "return values", "a layer or network of Keras"),
    ],
)  # fmt: skip
def norm_in_keras(answer):
    from keras import ops

    for channels in (3, 5):
        case = f"{channels} channels"
        norm = nn.BatchNorm2d(channels, dtype=torch.float32)
        with torch.no_grad():
            norm.weight.copy_(whole_numbers(channels, seed=1) + 6)
            norm.bias.copy_(whole_numbers(channels, seed=2))
            norm.running_mean.copy_(whole_numbers(channels, seed=3))
            norm.running_var.copy_(0.001 * (1 + torch.arange(channels)))
        x = whole_numbers(2, channels, 3, 3)
        layer = _call(answer, norm, case=case)
        wanted = norm.eval()(x)
        expect_tensor(_outputs(layer, x, f"{case}, in evaluation,", training=False), wanted, case)
        _outputs(layer, x, case, training=True)
        norm.train()(x)
        got = torch.tensor(ops.convert_to_numpy(layer.moving_mean))
        wanted = plain(norm.running_mean)
        if not torch.allclose(plain(got), wanted, atol=1e-4):
            raise Wrong(
                f"For {case} the outputs are right, but after one training batch the running mean "
                f"of the first channel is {got[0]:.4g}; wanted is {wanted[0]:.4g}."
            )
    return "scale, shift, mean, variance; and the two settings that are in no list of weights."


@exercise(
    "12.6",
    "measure",
    stub="""
        # True where the outputs of Keras and PyTorch agree to within 0.0001
        agree = {
            "max_pool": ...,  # MaxPooling2D(3, 2, "same"), MaxPool2d(3, 2, 1)
            "average_pool": ...,  # the same with AveragePooling2D, AvgPool2d
            "layer_norm": ...,  # of the channels: LayerNormalization(), LayerNorm(6)
            "gelu": ...,  # Activation("gelu"), GELU()
            "leaky_relu": ...,  # LeakyReLU(), LeakyReLU()
        }
        check.answer("12.6", agree)
    """,
    solution="""
        from keras import layers, ops

        x = torch.randn(2, 6, 9, 9, dtype=torch.float32)
        y = x.movedim(1, -1)  # N×H×W×C, also for the LayerNorm of PyTorch
        norm = nn.LayerNorm(6, dtype=torch.float32)
        pairs = {
            "max_pool": (layers.MaxPooling2D(3, 2, "same"), nn.MaxPool2d(3, 2, 1)(x)),
            "average_pool": (
                layers.AveragePooling2D(3, 2, "same"),
                nn.AvgPool2d(3, 2, 1)(x),
            ),
            "layer_norm": (layers.LayerNormalization(), norm(y).movedim(-1, 1)),
            "gelu": (layers.Activation("gelu"), nn.GELU()(x)),
            "leaky_relu": (layers.LeakyReLU(), nn.LeakyReLU()(x)),
        }
        agree = {}
        for name, (layer, wanted) in pairs.items():
            found = torch.tensor(ops.convert_to_numpy(layer(y.numpy())))
            gap = (found.movedim(-1, 1) - wanted).abs().max()
            agree[name] = bool(gap < 1e-4)
    """,
    hint="`torch.randn(2, 6, 9, 9)`; Keras gets it by `.movedim(1, -1).numpy()`. The LayerNorm of "
    "PyTorch, too, wants the channels last.",
    wrong=[
        ("gap < 1e-4", 'gap < 1e-4 or name == "layer_norm"',
         "Its epsilon is 0.001 in Keras and 0.00001 in PyTorch."),
        ("gap < 1e-4", 'gap < 1e-4 or name == "average_pool"',
         "At the edges Keras divides by the pixels, PyTorch by all nine."),
        ("gap < 1e-4", 'gap < 1e-4 or name == "leaky_relu"',
         "The slope is 0.3 in Keras and 0.01 in PyTorch."),
        ("gap < 1e-4", 'gap < 1e-4 and name != "max_pool"',
         "With stride 2 and nine pixels the zeros lie alike."),
        ("gap < 1e-4", 'gap < 1e-4 and name != "gelu"', "Both compute it exactly by default."),
        ("bool(gap < 1e-4)", "gap", "True or False"),
    ],
)  # fmt: skip
def agree(answer):
    wanted = solved("12.6")
    for key, value in expect_truths(answer, wanted).items():
        if value != wanted[key]:
            raise Wrong(
                f"“{key}” is not {value}.",
                shared_by=lambda slip, key=key, value=value: slip[key] == value,
            )
    return "three of five differ by a default that no shape shows."
