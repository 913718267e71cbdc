"""A lab's outputs in another program."""

from __future__ import annotations

from typing import Any

import pulumi
from pydantic import TypeAdapter, ValidationError

from lab_outputs.models import VERSION, Guest, Host, Lab, Login, Network, Vip


class LabOutputs:
    """The outputs of a lab's stack. What is secret there is secret here, and nothing else."""

    def __init__(self, read: pulumi.StackReference) -> None:
        """Of a reference that is there already."""
        self._read = read
        self.kind: pulumi.Output[str] = self._field("kind")
        self.hosts: pulumi.Output[dict[str, Host]] = self._field("hosts")
        self.guests: pulumi.Output[dict[str, Guest]] = self._field("guests")
        self.networks: pulumi.Output[dict[str, Network]] = self._field("networks")
        self.vips: pulumi.Output[dict[str, Vip]] = self._field("vips")
        self.endpoints: pulumi.Output[dict[str, str]] = self._field("endpoints")
        self.templates: pulumi.Output[dict[str, int]] = self._field("templates")
        self.files: pulumi.Output[dict[str, str]] = self._field("files")
        self.credentials: pulumi.Output[dict[str, Login]] = pulumi.Output.secret(self._field("credentials"))
        self.secret_files: pulumi.Output[dict[str, str]] = pulumi.Output.secret(self._field("secret_files"))

    @classmethod
    def from_stack_reference(cls, stack: str, opts: pulumi.ResourceOptions | None = None) -> LabOutputs:
        """Of a stack by its name, such as `organization/proxmox/ha-services`."""
        return cls(pulumi.StackReference(stack, opts=opts))

    def _field(self, name: str) -> pulumi.Output[Any]:
        """One output, checked and typed."""
        field = Lab.model_fields[name]
        adapter = TypeAdapter[Any](field.annotation or str)
        known = pulumi.Output.all(self._read.get_output("version"), self._read.get_output("kind"))

        def typed(told: list[Any]) -> Any:
            (version, kind), value = told
            self._check(version, kind)
            try:
                return adapter.validate_python(field.get_default() if value is None else value)
            except ValidationError as error:
                wrong = error.errors()[0]
                where = ".".join(map(str, (name, *wrong["loc"])))
                raise pulumi.RunError(f"the lab {self._name}: {where}: {wrong['msg']}") from None

        return pulumi.Output.all(known, self._read.get_output(name)).apply(typed)

    def _check(self, version: object, kind: object) -> None:
        """That it is a lab, and one that this package understands."""
        if not isinstance(version, int | float) or not isinstance(kind, str):
            raise pulumi.RunError(
                f"the stack {self._name} is no lab of this project: its outputs `version` and `kind` say no such thing"
            )
        if version > VERSION:
            raise pulumi.RunError(
                f"the lab {self._name} speaks version {version:g} of its outputs, and this reads {VERSION}: "
                "take the newer package"
            )

    @property
    def _name(self) -> str:
        return str(self._read._name)
