"""What Pulumi's SDK does to Python's pickler for each dynamic resource of a program, taken back.

It wraps a method of the pickler once more for each resource and leaves it so; seen in 3.272.0. Each resource would take
longer than the one before, and from about nine hundred on a program would end in a RecursionError.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_CHANGED = ("_batch_setitems", "save_dict")


@contextmanager
def kept_pickler() -> Iterator[None]:
    """The pickler is afterwards what it was before."""
    pickler: Any = pickle._Pickler  # what the SDK changes
    before = {name: getattr(pickler, name) for name in _CHANGED}
    try:
        yield
    finally:
        for name, method in before.items():
            setattr(pickler, name, method)
