"""One answer for all threads that want it: the first one asks, the others wait for what it gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Shared(Generic[Answer]):
    """A remembered answer and its age, which counts from the moment at which it was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._value: Answer

    def get(self, max_age: float, ask: Callable[[], Answer]) -> Answer:
        """The answer, no older than `max_age` seconds when it was called for."""
        called = time.monotonic()
        with self._lock:
            if called - self._at > max_age:
                began = time.monotonic()
                self._value = ask()
                self._at = began
            return self._value
