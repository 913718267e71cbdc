"""What the report has to know of a resource type, asked of the types themselves."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from cli import docs
from cli.report.plan import Kind
from providers._runtime.model import fields_of
from providers._runtime.registry import handler_of


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """Class name -> what is known of the type."""
    return {docs.class_name(name): _kind(name) for name in docs.kinds()}


def _kind(name: str) -> Kind:
    handler = handler_of(name)
    secrets = frozenset(field for field, spec in fields_of(handler.inputs).items() if spec.secret)
    return Kind(holds_data=handler.holds_data, secrets=secrets)
