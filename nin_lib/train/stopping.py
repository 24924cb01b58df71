"""Ctrl-C, a time limit, or a polite kill: training stops after the step it is in."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TIME = "its time limit"


@contextmanager
def listen(
    minutes: float | None = None, terminations: bool = True
) -> Iterator[Callable[[], str | None]]:
    """Within, the yielded function answers why training should stop, or None.

    The first Ctrl-C (or, with ``terminations``, SIGTERM) is only noted, so that no step is cut in
    half; a second one interrupts at once. Outside the main thread, where Python takes no
    signals, only the time counts.
    """
    reasons: list[str] = []
    until = None if minutes is None else time.monotonic() + 60 * minutes
    before = {}

    def note(number, frame):
        reasons.append("Ctrl-C" if number == signal.SIGINT else "a request to end")
        signal.signal(number, before[number] or signal.SIG_DFL)

    def why() -> str | None:
        if not reasons and until is not None and time.monotonic() > until:
            reasons.append(TIME)
        return reasons[0] if reasons else None

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM)[: 1 + terminations]:
            before[number] = signal.signal(number, note)
    try:
        yield why
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
