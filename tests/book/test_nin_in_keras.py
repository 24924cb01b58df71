"""NiN in Keras: what its exercises call Keras' way is what Keras does."""

import os

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nin_lib import check


@pytest.fixture(scope="module")
def keras():
    os.environ |= {"KERAS_BACKEND": "torch", "KERAS_TORCH_DEVICE": "cpu"}
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    return keras


def solution(number):
    """The function that solves an exercise."""
    exercise = check.exercises(["chapter12"])[number]
    names = {"torch": torch, "nn": nn}
    exec(exercise.solution, names)
    return names[exercise.name]


@pytest.mark.parametrize(
    ("side", "kernel", "stride"), [(26, 5, 1), (28, 5, 2), (32, 5, 2), (7, 4, 3), (9, 1, 3)]
)
def test_a_convolution_with_same_padding_in_torch(keras, side, kernel, stride):
    layer = keras.layers.Conv2D(4, kernel, stride, "same")
    x = torch.randn(2, side, side + 1, 3)
    wanted = layer(x).movedim(3, 1)
    weight = solution("12.3")(layer.kernel.value)
    padded = solution("12.4")(x.movedim(3, 1), kernel, stride)
    torch.testing.assert_close(F.conv2d(padded, weight, stride=stride), wanted)


def test_zeros_stand_where_exercise_1_says(keras):
    names = {}
    exec(check.exercises(["chapter12"])["12.1"].solution, names)
    padding = names["padding"]
    x = torch.arange(1.0, 33)[None, :, None]
    ends = ((padding["before"], 0, 1), (4 - padding["after"], -1, 32))
    for place, position, pixel in ends:  # a filter of five that picks the first or last pixel
        layer = keras.layers.Conv1D(1, 5, 2, "same")
        layer.build(x.shape)
        layer.set_weights([torch.eye(5)[place][:, None, None].numpy(), torch.zeros(1).numpy()])
        y = layer(x).flatten()
        assert len(y) == padding["same"] and y[position] == pixel
    layer = keras.layers.Conv1D(1, 5, 2, "valid")
    assert layer(x).shape[1] == padding["valid"]


def test_a_fully_connected_layer_behind_flatten(keras):
    linear = nn.Linear(3 * 4 * 5, 2)
    dense = keras.Sequential(
        [keras.Input((4, 5, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    kernel = solution("12.5")(linear.weight.detach(), 3, 4, 5)
    dense.layers[-1].set_weights([kernel.numpy(), linear.bias.detach().numpy()])
    x = torch.randn(6, 3, 4, 5)
    torch.testing.assert_close(dense(x.movedim(1, 3)), linear(x.flatten(1)))


@pytest.mark.parametrize("side", range(24, 32))
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 1), (3, 2), (5, 2), (5, 3), (11, 4)])
def test_same_is_padding_on_either_side_where_the_step_divides_one_less(
    keras, side, kernel, stride
):
    layer = keras.layers.Conv2D(2, kernel, stride, "same")
    x = torch.randn(1, side, side, 1)
    ours = layer(x).movedim(3, 1)
    weight = solution("12.3")(layer.kernel.value)
    theirs = F.conv2d(x.movedim(3, 1), weight, stride=stride, padding=kernel // 2)
    assert theirs.shape == ours.shape
    assert torch.allclose(theirs, ours, atol=1e-5) == ((side - 1) % stride == 0)


def test_batch_normalization_keeps_the_averages_that_the_chapter_says(keras):
    theirs = nn.BatchNorm2d(4)
    ours = keras.layers.BatchNormalization(epsilon=theirs.eps, momentum=1 - theirs.momentum)
    x = torch.randn(2, 4, 3, 3)
    torch.testing.assert_close(ours(x.movedim(1, 3), training=True).movedim(3, 1), theirs(x))
    torch.testing.assert_close(ours.moving_mean.value, theirs.running_mean)
    new = [
        v.detach() - (1 - theirs.momentum) for v in (theirs.running_var, ours.moving_variance.value)
    ]
    n = x.numel() // 4
    torch.testing.assert_close(new[0], new[1] * n / (n - 1))


def test_the_averages_that_keep_their_dimensions(keras):
    assert keras.layers.GlobalAveragePooling2D(keepdims=True)(torch.ones(1, 5, 5, 10)).shape == (
        1, 1, 1, 10,
    )  # fmt: skip


def test_fit_takes_a_loader_of_pytorch(keras):
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pairs = torch.utils.data.TensorDataset(torch.randn(10, 4, 4, 1), torch.arange(10) % 3)
    loader = torch.utils.data.DataLoader(pairs, batch_size=4, shuffle=True)
    model.fit(loader, shuffle=False, verbose=0)
    assert int(model.optimizer.iterations) == len(loader) == 3


def test_a_dataset_of_keras_is_told_when_an_epoch_is_over(keras):
    told = []

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, number):
            told.append(number)
            return torch.ones(2, 4), torch.ones(2, 1)

        def on_epoch_end(self):
            told.append("end")

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    model.fit(Batches(), epochs=2, shuffle=False, verbose=0)
    assert told[-6:] == [0, 1, "end", 0, 1, "end"]  # before it Keras looks at a batch
