"""What several resources want at the same moment is asked for once: they meet here, and one of them asks for all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

WINDOW = 0.05
"""Seconds in which others may join the last one: what the engine starts together comes within a few milliseconds."""


@dataclass
class _Batch(Generic[Item, Result]):
    """Those that have met, and how their common work ended."""

    items: list[Item] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    results: list[Result] = field(default_factory=list)
    error: BaseException | None = None
    joined: float = 0.0
    """When the last one came, or was heard of, on the monotonic clock."""


class Gathering(Generic[Item, Result]):
    """A meeting place; those that come with the same key work together.

    The door stays open until nobody has come for `quiet` seconds, and no longer than `most`. What `turn` guards is
    done by one batch at a time, and the next one's door stays open meanwhile.
    """

    def __init__(
        self, quiet: float = WINDOW, most: float = WINDOW, turn: AbstractContextManager[object] | None = None
    ) -> None:
        self._quiet = quiet
        self._most = most
        self._turn = turn or nullcontext()
        self._guard = threading.Lock()
        self._open: dict[Hashable, _Batch[Item, Result]] = {}

    def join(self, key: Hashable, item: Item, work: Callable[[list[Item]], Result]) -> Result:
        """Do `work` with all items that have met, once; its result, or its error, is everybody's."""
        with self._guard:
            batch = self._open.get(key)
            first = batch is None
            if batch is None:
                batch = self._open[key] = _Batch()
            batch.items.append(item)
            batch.joined = time.monotonic()
        if first:
            self._lead(key, batch, work)
        batch.done.wait()
        if batch.error is not None:
            raise batch.error
        return batch.results[0]

    def expect(self, key: Hashable) -> None:
        """Somebody is on the way: a door that is open stays so for another while."""
        with self._guard:
            if key in self._open:
                self._open[key].joined = time.monotonic()

    def _lead(self, key: Hashable, batch: _Batch[Item, Result], work: Callable[[list[Item]], Result]) -> None:
        """Wait for the others, close the door, and work."""
        until = time.monotonic() + self._most
        with self._turn:
            while (rest := min(batch.joined + self._quiet, until) - time.monotonic()) > 0:
                time.sleep(rest)
            with self._guard:
                del self._open[key]
            try:
                batch.results.append(work(batch.items))
            except BaseException as error:  # noqa: BLE001 - raised again in each thread that waits for it
                batch.error = error
            finally:
                batch.done.set()
