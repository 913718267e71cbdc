"""A dynamic resource that does nothing: what it costs is the engine's own share."""

from __future__ import annotations

from typing import Any

from pulumi import ResourceOptions
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider


class _Provider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(str(props["name"]), props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, props)


class Nothing(Resource):
    """Takes any arguments and keeps them in the state."""

    def __init__(self, resource_name: str, opts: ResourceOptions | None = None, **arguments: Any) -> None:
        """Declare one."""
        super().__init__(_Provider(), resource_name, arguments, opts)
