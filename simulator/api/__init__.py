"""The methods of the API, one module a subtree; importing this package declares them all."""

from __future__ import annotations

import importlib
import pkgutil

__all__ = sorted(module.name for module in pkgutil.iter_modules(__path__))  # noqa: PLE0605 - the folder is the list

for _name in __all__:
    importlib.import_module(f"{__name__}.{_name}")
