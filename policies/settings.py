"""The kinds of settings that policies have, as the engine wants them described."""

from __future__ import annotations

from typing import Any, TypeAlias

Setting: TypeAlias = dict[str, Any]


def texts(description: str, *default: str) -> Setting:
    """A list of texts, such as names in which `*` stands for anything."""
    return {"type": "array", "items": {"type": "string"}, "default": list(default), "description": description}


def numbers(description: str, *default: int) -> Setting:
    """A list of whole numbers."""
    return {"type": "array", "items": {"type": "integer"}, "default": list(default), "description": description}


def text(description: str, default: str) -> Setting:
    """One text."""
    return {"type": "string", "default": default, "description": description}


def switch(description: str) -> Setting:
    """Yes or no; no where nothing is said."""
    return {"type": "boolean", "default": False, "description": description}


def gibs(description: str) -> Setting:
    """An amount in GiB; 0 where nothing is said."""
    return {"type": "number", "minimum": 0, "default": 0, "description": description}
