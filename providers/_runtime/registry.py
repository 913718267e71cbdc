"""From a kind to its handler: the kind `pool` is the class `PoolHandler` of the module `providers/pool.py`.

There is nothing to register. The kinds are part of the state's format, so one that was renamed keeps its old name in
`_MOVED` for good.
"""

from __future__ import annotations

import functools
import importlib

from providers._runtime.errors import ConfigProblem
from providers._runtime.handler import Handler

_MOVED: dict[str, str] = {}
"""Old kind -> the kind that it is called now."""


@functools.cache
def handler_of(kind: str) -> Handler:
    """The handler of a kind, imported when it is first needed."""
    module_name = f"providers.{_MOVED.get(kind, kind)}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise ConfigProblem(
            f"the state has a resource of kind {kind!r}, which this version of the program does not know"
        ) from None
    handlers = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Handler) and value.__module__ == module_name
    ]
    (handler,) = handlers
    return handler()
