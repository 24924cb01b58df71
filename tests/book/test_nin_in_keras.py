"""NiN in Keras: what the chapter says of Keras is what Keras does, here with PyTorch below it."""

import ast
import math
import os
import re

import book_map
import pytest
import torch
import torch.nn.functional as F
from claims import prose
from torch import nn

from nin_lib import models, summary
from nin_lib.check.grade import solved

CHAPTER = book_map.ROOT / "book" / "12_nin_in_keras.ipynb"
TEXT = prose(CHAPTER)


@pytest.fixture(scope="module")
def keras():
    os.environ |= {"KERAS_BACKEND": "torch", "KERAS_TORCH_DEVICE": "cpu"}
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    return keras


def defined(keras) -> dict:
    """What the chapter's visible cells define up to the first training."""
    names = {"FAST": True, "train_images": torch.zeros(1, 28, 28, 1).numpy(), "train_labels": [0]}
    for cell in book_map.cells_of(CHAPTER):
        code = "".join(cell["source"])
        if "model.compile(" in code:
            return names
        if cell["cell_type"] == "code" and "hide-input" not in cell["metadata"].get("tags", ()):
            exec(code, names)


def cell_with(words: str) -> str:
    """The code of the chapter's first cell that has these words."""
    cells = ("".join(cell["source"]) for cell in book_map.cells_of(CHAPTER))
    return next(code for code in cells if words in code)


def test_the_port_computes_the_same_and_with_swapped_channels_another_thing(keras):
    names = defined(keras)
    exec(cell_with("def port("), names)
    torch.manual_seed(0)
    network, model = models.nin(final_relu=False).eval(), names["build_nin"](67)
    names["port"](network, model)
    x = torch.rand(4, 1, 67, 67)
    with torch.no_grad():
        wanted, found = network(x), model(x.movedim(1, 3), training=False)
    spread = wanted.std(dim=0).max()
    assert spread > 0.01 and (found - wanted).abs().max() < 1e-4 * spread
    kernel, bias = model.layers[1].get_weights()
    model.layers[1].set_weights([kernel.swapaxes(2, 3), bias])
    assert (model(x.movedim(1, 3), training=False) - wanted).abs().max() > 0.1 * spread


def test_a_loaded_network_goes_on_as_the_saved_one(keras, tmp_path):
    names = defined(keras) | {"folder": tmp_path, "FAST": True}
    names["valid_x"] = torch.rand(8, 28, 28, 1).numpy()
    names["model"] = names["pocket"]()
    names["model"].compile(loss="mse")
    names["model"].fit(names["valid_x"], torch.zeros(8, 10).numpy(), verbose=0)
    exec(cell_with("model.save("), names)
    assert (names["a"] == names["b"]).all() and int(names["loaded"].optimizer.iterations) == 1


def test_up_to_saving_the_visible_cells_import_keras_and_numpy_alone():
    imported = set()
    for cell in book_map.cells_of(CHAPTER):
        code = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and "\n## Port weights" in code:
            break
        if cell["cell_type"] == "code" and "hide-input" not in cell["metadata"].get("tags", ()):
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.ImportFrom):
                    imported.add(node.module)
                if isinstance(node, ast.Import):
                    imported |= {name.name for name in node.names}
    assert imported == {"keras", "numpy"}


def test_the_networks_have_the_layers_of_those_in_pytorch(keras, capsys):
    names = defined(keras)
    theirs = summary.trace(models.nin(), (1, 1, 224, 224))
    theirs = [row for row in theirs if row.kind not in ("ReLU", "Flatten")]
    for layer, row in zip(names["nin"].layers, theirs, strict=True):
        n, c, *place = row.shape
        averaged = isinstance(layer, keras.layers.GlobalAveragePooling2D)
        assert (1, *layer.output.shape[1:]) == ((n, c) if averaged else (n, *place, c))
        assert layer.count_params() == row.params
    with torch.device("meta"):
        small = models.pocket_nin(norm=False)
    assert names["pocket"]().count_params() == sum(p.numel() for p in small.parameters())


def rows() -> list[tuple]:
    """Kernel size, stride, image size, zeros before and after, agreement, of the table."""
    found = re.findall(
        r"^\| (\d+), (\d+)[^|]*\| (\d+) \| (\d+) \+ (\d+) \|.*\| (\S+) \|$", TEXT, re.M
    )
    return [(*map(int, row[:5]), row[5] == "yes") for row in found]


def outputs(keras, n: int, k: int, s: int):
    """Of a convolution with "same": its input and output, N×C×H×W, and its kernel, O×I×k×k."""
    layer = keras.layers.Conv2D(2, k, s, "same")
    x = torch.randn(1, n, n, 1)
    y = layer(x).detach().movedim(3, 1)
    return x.movedim(3, 1), y, layer.kernel.value.detach().permute(3, 2, 0, 1)


def test_the_zeros_are_where_the_table_and_the_figure_have_them(keras):
    found = [*rows(), (5, 2, 8, 1, 2, False)]
    assert len(found) == 5
    for k, s, n, before, after, agrees in found:
        x, y, kernel = outputs(keras, n, k, s)
        padded = F.pad(x, (before, after, before, after))
        torch.testing.assert_close(F.conv2d(padded, kernel, stride=s), y)
        theirs = F.conv2d(x, kernel, stride=s, padding=k // 2)
        assert theirs.shape == y.shape
        assert torch.allclose(theirs, y, atol=1e-5) == agrees


def test_same_is_padding_on_either_side_where_the_stride_divides_one_less(keras):
    for n in range(24, 32):
        for k, s in ((3, 1), (5, 1), (3, 2), (5, 2), (5, 3), (11, 4)):
            x, y, kernel = outputs(keras, n, k, s)
            theirs = F.conv2d(x, kernel, stride=s, padding=k // 2)
            assert theirs.shape == y.shape
            assert torch.allclose(theirs, y, atol=1e-5) == ((n - 1) % s == 0), (n, k, s)
    with pytest.raises(ValueError, match="strided"):
        nn.Conv2d(1, 1, 5, stride=2, padding="same")


def test_zeros_and_steps_are_as_exercise_2_says(keras):
    wanted = solved("12.2")
    x = torch.arange(1.0, 33)[None, :, None]
    ends = ((wanted["zeros_before"], 0, 1), (4 - wanted["zeros_after"], -1, 32))
    for place, position, pixel in ends:  # a filter of five that picks the first or last pixel
        layer = keras.layers.Conv1D(1, 5, 2, "same")
        layer.build(x.shape)
        layer.set_weights([torch.eye(5)[place][:, None, None].numpy(), torch.zeros(1).numpy()])
        y = layer(x).flatten()
        assert len(y) == wanted["outputs_same"] and y[position] == pixel
    layer = keras.layers.Conv1D(1, 5, 2, "valid")
    assert layer(x).shape[1] == wanted["outputs_valid"]
    for images, epochs, steps in ((1000, 3, wanted["steps"]), (128, 1, 4)):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(loss="mse")
        model.fit(torch.ones(images, 2), torch.ones(images, 1), epochs=epochs, verbose=0)
        assert int(model.optimizer.iterations) == steps


def test_batch_normalization_keeps_the_averages_that_the_chapter_says(keras):
    theirs, default = nn.BatchNorm2d(4), keras.layers.BatchNormalization()
    assert (default.epsilon, default.momentum) == (1e-3, 0.99)
    ours = keras.layers.BatchNormalization(epsilon=theirs.eps, momentum=1 - theirs.momentum)
    x = torch.randn(2, 4, 3, 3)
    torch.testing.assert_close(ours(x.movedim(1, 3), training=True).movedim(3, 1), theirs(x))
    torch.testing.assert_close(ours.moving_mean.value, theirs.running_mean)
    new = [
        v.detach() - (1 - theirs.momentum) for v in (theirs.running_var, ours.moving_variance.value)
    ]
    n = x.numel() // 4
    torch.testing.assert_close(new[0], new[1] * n / (n - 1))


def test_logits_taken_for_probabilities_have_the_loss_that_the_chapter_says(keras):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=False)
    for correct, wanted in ((0, 0.0), (2, -math.log(1e-7))):
        logits = torch.tensor([[2.0, 0.5, -1.0]], requires_grad=True)
        value = loss(torch.tensor([correct]), logits)
        assert value.item() == pytest.approx(wanted, abs=1e-3)
        value.backward()
        assert not logits.grad.any()


def test_only_an_optimizer_that_is_built_takes_its_state_from_a_file_of_weights(keras, tmp_path):
    def fresh():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(optimizer="adam", loss="mse")
        return model

    model = fresh()
    model.fit(torch.ones(96, 2), torch.ones(96, 1), verbose=0)
    model.save_weights(tmp_path / "end.weights.h5")
    with pytest.raises(ValueError, match=r"must end in .*\.weights\.h5"):
        model.save_weights(tmp_path / "end.h5")
    built, not_built = fresh(), fresh()
    built.optimizer.build(built.trainable_variables)
    built.load_weights(tmp_path / "end.weights.h5")
    with pytest.warns(UserWarning, match="optimizer"):
        not_built.load_weights(tmp_path / "end.weights.h5")
    assert [int(m.optimizer.iterations) for m in (built, not_built)] == [3, 0]


def test_resizing_with_padding_mixes_along_the_seam(keras):
    narrow = torch.ones(1, 28, 16, 1)
    row = keras.ops.image.resize(narrow, (224, 224), pad_to_aspect_ratio=True)[0, 0, :, 0]
    assert row[0] == row[-1] == 0 and row[112] == 1
    mixed = (row > 0) & (row < 1)
    assert 0 < mixed.sum() <= 2 * 8
