"""What Pulumi says of a preview, made up for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

DYNAMIC = "pulumi-python:dynamic/proxmox"
TEXTS = st.text("ab-09<>&\"'#;[]{}()|`%\\*_~$@!\n é漢/:", max_size=300)
NAMES = TEXTS.filter(lambda name: "::" not in name and name.strip() != "")


def state(kind: str, inputs: Mapping[str, Any] | None, **more: Any) -> dict[str, Any] | None:
    """A resource before or after; none where there is none."""
    return None if inputs is None else {"type": f"{DYNAMIC}:{kind}", "custom": True, "inputs": dict(inputs), **more}


def step(
    op: str,
    name: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    kind: str = "VirtualMachine",
) -> dict[str, Any]:
    """One of a preview's steps."""
    states = {"oldState": state(kind, before), "newState": state(kind, after)}
    told = {side: value for side, value in states.items() if value}
    return {"op": op, "urn": f"urn:pulumi:demo::proxmox::{DYNAMIC}:{kind}::{name}", **told}


def machine(**more: Any) -> dict[str, Any]:
    """Inputs of a machine with a disk."""
    disks = {"scsi0": {"storage": "local-lvm", "size": "16G"}}
    return {"name": "web", "node": "pve1", "vmid": 100, "memory": 1024, "cores": 2, "disks": disks, **more}


@st.composite
def previews(draw: st.DrawFn) -> dict[str, Any]:
    """Any number of resources of any names, with which anything is done."""
    names = draw(st.lists(NAMES, max_size=12, unique=True))
    values = st.fixed_dictionaries(
        {"node": NAMES, "memory": st.integers(16, 65536)},
        optional={
            "description": TEXTS,
            "tags": st.lists(TEXTS, max_size=2),
            "disks": st.dictionaries(
                NAMES, st.fixed_dictionaries({"storage": NAMES, "size": st.just("16G")}), max_size=2
            ),
            "impact": TEXTS,
            "vmid": st.integers(100, 999),
        },
    )
    steps = []
    for name in names:
        kind = draw(st.sampled_from(["VirtualMachine", "Container", "Pool"]))
        was, is_, becomes = draw(values), draw(values), draw(values)
        if draw(st.booleans()):
            steps.append(step("refresh", name, was, was, kind))
        op = draw(st.sampled_from(["same", "create", "update", "delete", "replace"]))
        steps.append(step(op, name, None if op == "create" else is_, None if op == "delete" else becomes, kind))
    said = draw(st.lists(st.builds(_said, TEXTS, st.sampled_from(["error", "warning", "info"])), max_size=3))
    return {"steps": steps, "diagnostics": said}


def _said(message: str, severity: str) -> dict[str, str]:
    return {"message": message, "severity": severity}
