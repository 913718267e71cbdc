"""What a component asks for, told without the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

LOOP = asyncio.new_event_loop()


@dataclass
class Asked(Mocks):
    """Notes what Proxmox is asked for, by the name of the resource, and answers with it and with what a plan would."""

    planned: Mapping[str, Any] = field(default_factory=dict)
    """What resources say besides what they are asked for."""
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    """What the component says in the end."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        planned: dict[str, Any] = {}
        if args.typ.startswith("pulumi-python:dynamic"):
            own = {key: value for key, value in args.inputs.items() if not key.startswith("__")}
            self.inputs[args.name] = {key: value for key, value in own.items() if value is not None}
            number = 99 + len(self.inputs)
            macs = {nic: f"BC:24:11:00:{at:02X}:{number:02X}" for at, nic in enumerate(own.get("net") or ())}
            planned = {"vmid": number, "macs": macs}
        elif args.typ.startswith("random:"):
            planned = {"result": "x" * int(args.inputs["length"]), "bcrypt_hash": "$2a$10$hash"}
        return args.name, {**planned, **self.planned, **args.inputs}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"a component calls nothing, but {args.token} was called")


def asked(make: Callable[[], dict[str, pulumi.Output[Any]]], planned: Mapping[str, Any] | None = None) -> Asked:
    """What `make` asks for; the outputs that it returns are told as plain values."""
    asyncio.set_event_loop(LOOP)
    mocks = Asked(planned or {})
    pulumi.runtime.set_mocks(mocks, project="proxmox", stack="test", preview=False)

    def run() -> pulumi.Output[Any]:
        return pulumi.Output.all(**make()).apply(mocks.outputs.update)

    pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]  # the SDK has no types there
    return mocks


def inputs_of(
    make: Callable[[], pulumi.Output[Any]], planned: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """The resources that something makes with their arguments, by name; what it returns is waited for."""
    return asked(lambda: {"it": make()}, planned).inputs
