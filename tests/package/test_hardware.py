"""Which device and number format is taken; this machine's forced to look like others."""

import pytest
import torch

from nin_lib.train import hardware


def test_precision_follows_the_hardware(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(hardware, "cpu_has_bfloat16", lambda: True)
    assert hardware.pick_precision(cpu) == torch.bfloat16
    monkeypatch.setattr(hardware, "cpu_has_bfloat16", lambda: False)
    assert hardware.pick_precision(cpu) == torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Tesla T4")
    # A T4 has capability 7.5; torch says it supports bfloat16, by emulation.
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5))
    assert hardware.pick_precision(cuda) == torch.float16
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "GeForce GTX 1650")
    assert hardware.pick_precision(cuda) == torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (6, 1))
    assert hardware.pick_precision(cuda) == torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    assert hardware.pick_precision(cuda) == torch.bfloat16
    assert hardware.pick_precision(torch.device("mps")) == torch.float32


def test_devices_that_are_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="'cuda' was asked for, but this machine has only: cpu"):
        hardware.pick_device("cuda")
    with pytest.raises(ValueError, match="unknown device 'gpu'; known: cuda, mps, cpu"):
        hardware.pick_device("gpu")
    assert hardware.pick_device() == torch.device("cpu")
