"""Ctrl-C, a polite kill, a time limit: training stops after a step and keeps what it learned."""

import dataclasses
import signal
import threading

import pytest
import torch
from test_train import QUICK, quick_run

from nin_lib import train


def interrupt_at(model, forward, number=signal.SIGINT):
    """Send this process a signal in the forward pass of that number, counted from 1."""
    calls = []

    def hook(*_):
        calls.append(1)
        if len(calls) == forward:
            signal.raise_signal(number)

    return model.register_forward_pre_hook(hook)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_after_the_step_and_keeps_what_was_learned(handful, capsys, number):
    torch.manual_seed(0)
    model = QUICK.network()
    interrupt_at(model, 15, number)  # 11 steps and 1 validation batch an epoch
    before = signal.getsignal(number)
    run = train.fit(model, handful, QUICK, device="cpu", show=False)
    assert run.stopped and run.result is None and len(run.history) == 1
    said = capsys.readouterr().out
    assert "after 1 of 2 epochs and 3 of 11 steps" in said and "keeps what it has learned" in said
    assert f"stopped by {run.stopped}" in repr(run)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_does_not_wait(handful):
    model = QUICK.network()
    interrupt_at(model, 3)
    interrupt_at(model, 3)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job has none
    try:
        with pytest.raises(KeyboardInterrupt):
            train.fit(model, handful, QUICK, device="cpu", show=False)
    finally:
        signal.signal(signal.SIGINT, before)


def test_training_stops_at_its_time_limit(handful, capsys):
    run = quick_run(handful, minutes=0.0001)
    assert run.stopped == "its time limit" and not run.history


def test_training_outside_the_main_thread(handful):
    """Where Python takes no signals, in a server's worker, say."""
    done = []
    recipe = dataclasses.replace(QUICK, epochs=1)
    thread = threading.Thread(target=lambda: done.append(quick_run(handful, recipe=recipe)))
    thread.start()
    thread.join()
    assert done[0].result
