"""Says what a long step of the set-up is doing, so that minutes of silence don't look like a hang."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_INTERVAL = 10.0


def say(text: str) -> None:
    """Write one line for the user; standard output stays free for results."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def step(what: str, interval: float = _INTERVAL) -> Iterator[None]:
    """Announce a step, report the seconds it has taken so far, and say when it is done."""
    started = time.monotonic()
    finished = threading.Event()

    def report() -> None:
        while not finished.wait(interval):
            say(f"  ... {time.monotonic() - started:.0f} s")

    say(what)
    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        finished.set()
        reporter.join()
    say(f"  done in {time.monotonic() - started:.0f} s")
