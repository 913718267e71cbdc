"""Hypothesis strategies for the parts of a resource, made from their models, so that a new key is tried at once."""

from __future__ import annotations

import string
import types
import typing
from typing import Annotated, Any, Literal

from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from providers._runtime.wire import Part, size_text

WORD = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
MAC = st.builds(
    lambda tail: "BC:24:11:" + ":".join(f"{byte:02X}" for byte in tail), st.tuples(*[st.integers(0, 255)] * 3)
)
SIZE = st.integers(1, 10**6).map(lambda mib: size_text(mib << 20))
VOLUME = st.builds(lambda number, disk: f"local-lvm:vm-{number}-disk-{disk}", st.integers(100, 999), st.integers(0, 9))
CHECKED_IN_PYTHON: dict[str, st.SearchStrategy[Any]] = {
    "cputype": st.sampled_from(["host", "x86-64-v3", "custom-mine"]),
    "file": VOLUME,
    "gw": st.just("192.0.2.1"),
    "gw6": st.just("2001:db8::1"),
    "hwaddr": MAC,
    "import_from": VOLUME,
    "ip": st.sampled_from(["dhcp", "192.0.2.7/24"]),
    "ip6": st.sampled_from(["auto", "dhcp", "2001:db8::7/64"]),
    "macaddr": MAC,
    "meta": VOLUME,
    "mp": WORD.map("/{}".format),
    "network": VOLUME,
    "order": st.lists(st.sampled_from(["scsi0", "net0", "ide2"]), min_size=1, unique=True),
    "size": SIZE,
    "user": VOLUME,
    "uuid": st.uuids().map(str),
    "vendor": VOLUME,
    "volume": VOLUME,
}
"""Keys whose values something else than their annotation restricts."""


def values_of(part: type[Part], *without: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any values of a part, all of its required keys among them."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, info in part.model_fields.items():
        if name not in without:
            (required if info.is_required() else optional)[name] = _of_field(name, info)
    return st.fixed_dictionaries(required, optional=optional)


def _of_field(name: str, info: FieldInfo) -> st.SearchStrategy[Any]:
    if name in CHECKED_IN_PYTHON and _plain(info.annotation) is not int:
        return CHECKED_IN_PYTHON[name]
    return _of(info.annotation, tuple(info.metadata))


def _of(annotation: Any, metadata: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _of(arguments[0], (*metadata, *_flat(arguments[1:])))
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(_of(item, metadata) for item in arguments if item is not type(None)))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(_of(arguments[0], ()), min_size=1, max_size=3)
    return _of_scalar(annotation, metadata)


def _of_scalar(annotation: Any, metadata: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if annotation is bool:
        return st.booleans()
    low, high = _bounds(metadata)
    if annotation is int:
        return st.integers(low, high)
    if annotation is float:
        return st.integers(low * 4, high * 4).map(lambda quarters: quarters / 4 if quarters % 4 else quarters // 4)
    pattern = _constraint(metadata, "pattern")
    longest = _constraint(metadata, "max_length") or 40
    return _matching(pattern, longest) if pattern else WORD


def _bounds(metadata: tuple[Any, ...]) -> tuple[int, int]:
    """The least and the largest whole number that is allowed."""
    low, above, high = (_constraint(metadata, name) for name in ("ge", "gt", "le"))
    least = int(low) if low is not None else int(above) + 1 if above is not None else 0
    return least, int(high) if high is not None else least + 1000


def _matching(pattern: str, longest: int) -> st.SearchStrategy[str]:
    plain = st.characters(codec="ascii", exclude_characters=", \t\n\r\v\f=;", exclude_categories=["Cc"])
    found = st.from_regex(pattern.removesuffix("$") + r"\Z", alphabet=plain)
    return found.filter(lambda text: 0 < len(text) <= longest)


def _flat(metadata: tuple[Any, ...]) -> list[Any]:
    """A `Field(...)` inside an annotation as the constraints that it holds."""
    return [inner for item in metadata for inner in (item.metadata if isinstance(item, FieldInfo) else [item])]


def _constraint(metadata: Any, name: str) -> Any:
    return next((value for item in metadata if (value := getattr(item, name, None)) is not None), None)


def _plain(annotation: Any) -> Any:
    """The type that an optional one is of."""
    return next((item for item in typing.get_args(annotation) if item is not type(None)), annotation)
