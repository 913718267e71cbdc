"""Property strings: `virtio=BC:24:11:00:00:01,bridge=vmbr0`, Proxmox's way to put an object into one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class PropertyStringError(ValueError):
    """A property string cannot be taken apart; the text is the one Proxmox gives."""


def split(text: str, default_key: str | None, aliases: Mapping[str, str] | None = None) -> dict[str, str]:
    """Take a property string apart.

    `default_key` is the key that may be left out (at most one item may lack its key). `aliases` maps a
    short key to the real one. Keys given twice are refused.
    """
    result: dict[str, str] = {}
    for item in text.split(","):
        if not item:
            continue
        key, separator, value = item.partition("=")
        if not separator:
            if default_key is None:
                raise PropertyStringError("value without key, but schema does not define a default key")
            if default_key in result:
                raise PropertyStringError(f"duplicate key in comma-separated list property: {default_key}")
            result[default_key] = item
            continue
        key = (aliases or {}).get(key, key)
        if key in result:
            raise PropertyStringError(f"duplicate key in comma-separated list property: {key}")
        result[key] = value
    return result


def join(values: Mapping[str, object], default_key: str | None, order: Iterable[str] = ()) -> str:
    """Print a property string: the default key's bare value first, then `order`, then the other keys sorted."""
    keys = [key for key in order if key in values and key != default_key]
    keys += sorted(key for key in values if key != default_key and key not in keys)
    items = [str(values[default_key])] if default_key is not None and default_key in values else []
    return ",".join(items + [f"{key}={values[key]}" for key in keys])
