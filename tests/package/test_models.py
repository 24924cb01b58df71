"""The networks: counts, shapes, wrong inputs, weights."""

from itertools import product

import pytest
import torch
from torch import nn

from nin_lib import models, summary

COSTS = {  # network → input, parameters, multiply-adds
    "nin(pointwise=0)": ((1, 1, 224, 224), 1_546_058, 577.5e6),
    "nin(pointwise=1)": ((1, 1, 224, 224), 1_769_112, 669.9e6),
    "nin()": ((1, 1, 224, 224), 1_992_166, 762.30e6),
    "nin(pointwise=3)": ((1, 1, 224, 224), 2_215_220, 854.7e6),
    "alexnet()": ((1, 1, 224, 224), 46_764_746, 938e6),
    "nin_paper('cifar10')": ((1, 3, 32, 32), 966_986, 222.5e6),
    "nin_paper('cifar100')": ((1, 3, 32, 32), 984_356, 223.6e6),
    "pocket_nin()": ((1, 1, 28, 28), 91_562, 6.22e6),
    "nin_imagenet()": ((1, 3, 224, 224), 7_595_176, 1.10e9),
}


def test_parameters_and_multiply_adds(subtests):
    for network, (shape, params, macs) in COSTS.items():
        with subtests.test(network):
            rows = summary.trace(eval(f"models.{network}"), shape)
            assert rows.params == params
            assert rows.macs == pytest.approx(macs, rel=1e-3)


def sides(model, shape):
    return [row.shape[-1] for row in summary.blocks(model, shape) if len(row.shape) == 4]


def test_side_lengths():
    assert sides(models.nin(), (1, 1, 224, 224)) == [54, 26, 26, 12, 12, 5, 5, 5, 1]
    assert sides(models.nin_imagenet(), (1, 3, 224, 224)) == [54, 27, 27, 13, 13, 6, 6, 6, 1]
    # Pools that round up, as the paper's: 32 → 16 → 8.
    assert sides(models.nin_paper("cifar10"), (1, 3, 32, 32)) == [32, 16, 16, 16, 8, 8, 8, 1]
    assert sides(models.nin_paper("mnist"), (1, 1, 28, 28)) == [28, 14, 14, 14, 7, 7, 7, 1]


def test_pocket_nin_is_small_and_its_class_maps_are_seven_by_seven():
    rows = summary.trace(models.pocket_nin(), (1, 1, 28, 28))
    assert rows.params <= 100_000
    assert rows.macs <= 9_000_000
    maps = [row.shape for row in rows if len(row.shape) == 4][-2]
    assert maps == (1, 10, 7, 7)


def test_sizes_that_run(subtests):
    for size in ((67, 67), (70, 100), (224, 224)):
        with subtests.test(size=size):
            assert models.nin()(torch.rand(2, 1, *size)).shape == (2, 10)


@torch.inference_mode()
def test_minimum_size_agrees_with_trying_every_size():
    for model, channels in ((models.nin(), 1), (models.nin_paper("svhn"), 3)):
        smallest = models.minimum_size(model)
        model.eval()
        for side in range(1, smallest + 3):
            x = torch.rand(1, channels, side, side)
            try:  # its layers alone: the sentence about an error takes a search of its own
                nn.Sequential.forward(model, x)
                runs = True
            except RuntimeError:
                runs = False
            assert runs == (side >= smallest), side
            if side in (1, smallest - 1):
                with pytest.raises(ValueError, match="needs at least"):
                    model(x)


def test_a_wrong_input_gets_a_sentence(subtests):
    network = models.nin()
    for x, words in (
        (torch.rand(1, 1, 66, 66), r"66×66, this network needs at least 67×67; .*resize"),
        (torch.rand(1, 1, 200, 28), r"200×28, this network needs at least 67×67"),
        (torch.rand(1, 3, 224, 224), "has 3 channels; this network takes 1"),
        (torch.rand(1, 224, 224), r"takes a batch.*x\[None\]"),
        (torch.zeros(1, 1, 67, 67, dtype=torch.uint8), r"uint8.*x.float\(\) / 255"),
        (torch.rand(1, 1, 67, 67).double(), r"x.to\(torch.float32\)"),
    ):
        for mode in (True, False):
            network.train(mode)
            given = {"shape": tuple(x.shape), "dtype": x.dtype, "training": mode}
            with subtests.test(**given), pytest.raises(ValueError, match=words):
                network(x)


def test_alexnets_error_names_the_one_size_that_fits():
    with pytest.raises(ValueError, match=r"128×128.*fully connected.*224×224"):
        models.alexnet()(torch.rand(1, 1, 128, 128))


def test_an_error_that_is_not_about_the_input_is_left_alone():
    class Exhausted(nn.Module):
        def forward(self, x):
            if x.device.type != "meta":
                raise RuntimeError("out of memory")
            return x

    model = models.pocket_nin().append(Exhausted())
    with pytest.raises(RuntimeError, match="out of memory"):
        model(torch.rand(2, 1, 28, 28))


@pytest.mark.parametrize("scheme", ["he", "xavier", "gaussian"])
def test_initialization_draws_the_variance_it_promises(scheme):
    model = models.initialize(models.nin_paper("cifar10"), scheme)
    layer = model.block2.conv
    fan_in, fan_out = 96 * 25, 192 * 25
    expected = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "gaussian": 0.05**2}
    assert layer.weight.var().item() == pytest.approx(expected[scheme], rel=0.02)
    # The tutorials' Xavier touches weights only; biases stay as PyTorch draws them.
    assert layer.bias.any() == (scheme == "xavier")


def test_he_lets_the_input_through_and_the_tutorials_xavier_starts_blind():
    """How much the logits vary from image to image, beside how much the images do."""
    x = torch.rand(16, 1, 67, 67) * torch.rand(16, 1, 1, 1)
    passed = {}
    for scheme in ("he", "xavier"):
        torch.manual_seed(0)
        logits = models.initialize(models.nin(final_relu=False), scheme).eval()(x)
        passed[scheme] = (logits.var(0).mean() / x.var(0).mean()).item()
    assert passed["xavier"] < 1e-4 < 1e-2 < passed["he"]


def test_the_default_initialization_is_pytorchs():
    torch.manual_seed(3)
    fresh = nn.Conv2d(8, 4, 3)
    torch.manual_seed(3)
    again = models.initialize(nn.Conv2d(8, 4, 3).requires_grad_(False), "he")
    torch.manual_seed(3)
    models.initialize(again, "default")
    assert torch.equal(again.weight, fresh.weight) and torch.equal(again.bias, fresh.bias)


def test_initialize_refuses_lazy_layers_and_unknown_schemes():
    with pytest.raises(ValueError, match="lazy"):
        models.initialize(nn.Sequential(nn.LazyConv2d(4, 3)))
    with pytest.raises(ValueError, match="unknown initialization 'hee'; known: he"):
        models.initialize(nn.Sequential(), "hee")


def test_folding_batch_norm_changes_nothing_but_the_layers():
    torch.manual_seed(0)
    model = models.pocket_nin().train()
    for _ in range(3):  # running statistics that are not the initial ones
        model(torch.randn(64, 1, 28, 28) * 3 + 1)
    model.eval()
    folded = models.fold_batch_norm(model)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    x = torch.randn(16, 1, 28, 28)
    torch.testing.assert_close(folded(x), model(x), rtol=1e-4, atol=1e-4)


def test_the_shipped_weights_load_and_are_float16_numbers():
    model = models.pocket_nin(trained=True)
    assert not model.training
    for tensor in model.state_dict().values():
        assert torch.equal(tensor.half().float(), tensor)
    with pytest.raises(ValueError, match="1 channel and knows 10 classes, not 3 and 10"):
        models.pocket_nin(3, trained=True)


def test_the_small_networks_pool_and_its_dropout_can_be_chosen():
    torch.manual_seed(0)
    plain = models.pocket_nin()
    torch.manual_seed(0)
    other = models.pocket_nin(pool="average", dropout=0.5)
    assert [p.shape for p in plain.parameters()] == [p.shape for p in other.parameters()]
    assert isinstance(other.pool, nn.AvgPool2d) and isinstance(plain.pool, nn.MaxPool2d)
    names = [name for name, _ in other.named_children()]
    assert names[names.index("pool") + 1] == "dropout" and not hasattr(plain, "dropout")
    x = torch.rand(2, 1, 28, 28)
    assert not torch.equal(other(x), other(x))  # in training, chance decides
    with pytest.raises(ValueError, match="no pool 'min'; known: 'max', 'average'"):
        models.pocket_nin(pool="min")
    with pytest.raises(ValueError, match="layers are as they are"):
        models.pocket_nin(trained=True, pool="average")


def test_unknown_paper_network():
    with pytest.raises(ValueError, match="no paper network for 'imagenet'; known: cifar10"):
        models.nin_paper("imagenet")


def test_every_class_map_of_a_fresh_nin_is_alive(wardrobe, subtests):
    """And so each class has a gradient; under He's weights alone about a third begin dead."""
    x = torch.nn.functional.interpolate(wardrobe.test_images[:20].float() / 255, size=(67, 67))
    for pointwise, seed in product(range(4), range(5)):
        with subtests.test(pointwise=pointwise, seed=seed):
            torch.manual_seed(seed)
            network = models.nin(pointwise=pointwise)
            logits = network(x)
            assert (logits > 0).all()
            torch.nn.functional.cross_entropy(logits, wardrobe.test_labels[:20]).backward()
            assert (network.block4.conv.weight.grad.flatten(1).norm(dim=1) > 0).all()
