"""The Keras edition: what its exercises call Keras' way is what Keras does."""

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
    exercise = check.every(["chapterkeras"])[number]
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
    weight = solution("keras.3")(layer.kernel.value)
    padded = solution("keras.4")(x.movedim(3, 1), kernel, stride)
    torch.testing.assert_close(F.conv2d(padded, weight, stride=stride), wanted)


def test_zeros_stand_where_exercise_1_says(keras):
    names = {}
    exec(check.every(["chapterkeras"])["keras.1"].solution, names)
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
    kernel = solution("keras.5")(linear.weight.detach(), 3, 4, 5)
    dense.layers[-1].set_weights([kernel.numpy(), linear.bias.detach().numpy()])
    x = torch.randn(6, 3, 4, 5)
    torch.testing.assert_close(dense(x.movedim(1, 3)), linear(x.flatten(1)))
