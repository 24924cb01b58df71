"""Logits, loss and accuracy of a network, and the interval of an accuracy."""

import pytest
import torch
from torch import nn

from nin_lib import models, train
from nin_lib.recipes import RECIPES
from nin_lib.train import evaluation

POCKET = RECIPES["pocket"]


def test_wilsons_interval():
    """The worked example of R's prop.test(15, 20, correct = FALSE): 0.531 to 0.888."""
    assert evaluation.interval(15 / 20, 20) == pytest.approx((0.5313, 0.8881), abs=1e-4)
    assert evaluation.interval(1.0, 10)[1] == pytest.approx(1.0)


def of(probabilities):
    """Logits whose softmax these are."""
    return torch.tensor(probabilities).log()


def test_reliability_is_confidence_and_share_right_bin_by_bin():
    logits = of([[0.62, 0.38], [0.66, 0.34], [0.04, 0.96], [0.9999, 0.0001]])
    rows = evaluation.reliability(logits, torch.tensor([0, 1, 1, 0]))
    wanted = torch.tensor([[0.64, 0.5, 0.5], [0.97995, 1.0, 0.5]], dtype=torch.float64)
    assert torch.allclose(rows, wanted, atol=1e-6)
    error = evaluation.calibration_error(logits, torch.tensor([0, 1, 1, 0]))
    assert error == pytest.approx(0.5 * 0.14 + 0.5 * 0.02005, abs=1e-6)
    certain = torch.tensor([[100.0, 0.0]])
    assert evaluation.reliability(certain, torch.tensor([0])).tolist() == [[1, 1, 1]]


def test_the_temperature_undoes_a_factor_of_the_logits():
    """Of a hundred images with the probabilities 0.7 and 0.3, seventy are of the first class."""
    logits = of([[0.7, 0.3]]).expand(100, 2)
    labels = (torch.arange(100) >= 70).long()
    for factor in (0.5, 1.0, 2.5):
        assert evaluation.temperature(factor * logits, labels) == pytest.approx(factor, abs=0.011)
        error = evaluation.calibration_error(logits, labels)
        assert error == pytest.approx(0, abs=1e-6)


def modes(network):
    return {name: layer.training for name, layer in network.named_modules()}


def networks():
    """Networks in training mode, in evaluation mode, and with layers of both."""
    training, evaluating, frozen, thawed = (models.pocket_nin() for _ in range(4))
    evaluating.eval()
    frozen.block1.eval()  # a reader who keeps the first statistics as they are
    thawed.eval()
    thawed.block4.train()
    names = ("training", "evaluating", "first block frozen", "last block training")
    return dict(zip(names, (training, evaluating, frozen, thawed), strict=True))


def test_prediction_leaves_every_layers_mode_as_it_was(handful, subtests):
    for name, network in networks().items():
        with subtests.test(name):
            before, state = modes(network), {k: v.clone() for k, v in network.state_dict().items()}
            train.predict(network, handful.test_images[:20], POCKET)
            train.evaluate(network, handful.test_images[:20], handful.test_labels[:20], POCKET)
            assert modes(network) == before
            assert all(torch.equal(state[k], v) for k, v in network.state_dict().items())


def test_prediction_that_fails_leaves_every_layers_mode_as_it_was(handful, subtests):
    def fail(_, inputs):
        if inputs[0].device.type != "meta":  # where the network tries out what it accepts
            raise RuntimeError("out of memory")

    three_channels = handful.test_images[:20].repeat(1, 3, 1, 1)
    for name, network in networks().items():
        before = modes(network)
        with subtests.test(name, fails="in the network"):
            with pytest.raises(ValueError, match="has 3 channels"):
                train.predict(network, three_channels, POCKET)
            assert modes(network) == before
        with subtests.test(name, fails="in a layer"):
            network.block3.register_forward_pre_hook(fail)
            with pytest.raises(RuntimeError, match="out of memory"):
                train.predict(network, handful.test_images[:20], POCKET)
            assert modes(network) == before


def test_prediction_is_in_evaluation_mode(handful):
    """Dropout would otherwise give other logits each time."""
    network = nn.Sequential(models.pocket_nin(), nn.Dropout(0.5))
    first, again = (train.predict(network, handful.test_images[:20], POCKET) for _ in range(2))
    assert torch.equal(first, again) and network.training


def test_evaluation_without_an_image_or_a_label_for_each_is_refused(handful, subtests):
    images, labels = handful.test_images, handful.test_labels
    for count, given in ((0, 0), (0, 5), (5, 0), (5, 4), (4, 5)):
        words = f"at least one image and a label for each; got {count} images and {given} labels"
        with subtests.test(images=count, labels=given), pytest.raises(ValueError, match=words):
            train.evaluate(models.pocket_nin(), images[:count], labels[:given], POCKET)
