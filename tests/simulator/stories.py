"""What the recorded stories of guests and storages need to be told again, and what in them changes from run to run."""

from __future__ import annotations

import json
import re
from typing import Any

_Call = tuple[str, str, dict[str, Any]]

NEEDED_FIRST: dict[str, tuple[_Call, ...]] = {
    "qc.full": (("POST", "/pools", {"poolid": "prod", "comment": "prod pool"}),),
    "qc.efi-tpm-config": (
        (
            "POST",
            "/nodes/pve1/qemu",
            {
                "vmid": 104, "name": "uefi", "bios": "ovmf", "machine": "q35", "memory": 256,
                "efidisk0": "local-lvm:1,efitype=4m,pre-enrolled-keys=1", "tpmstate0": "local-lvm:1,version=v2.0",
            },
        ),
    ),
    "mig2.stop-103": (
        ("POST", "/nodes/pve2/qemu/103/migrate", {"target": "pve1"}),
        ("POST", "/nodes/pve1/qemu/103/status/start", {}),
    ),
    "ct2.clone-target-local": (("POST", "/nodes/pve1/lxc/302/migrate", {"target": "pve2"}),),
}  # fmt: skip
"""Calls that were made on the recorded hosts as well but are not among the recordings."""

_VOLATILE = (
    (re.compile(r"ctime=\d+"), "ctime=0"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "00000000-0000-0000-0000-000000000000"),
    (re.compile(r"BC:24:11(?::[0-9A-F]{2}){3}"), "BC:24:11:00:00:00"),
    (re.compile(r"bc:24:11(?::[0-9a-f]{2}){3}"), "bc:24:11:00:00:00"),
    (re.compile(r"\"snaptime\": \d+"), '"snaptime": 1'),
    (re.compile(r"\"used_fraction\": [0-9.e\-]+"), '"used_fraction": 0.5'),
    (re.compile(r"(?:/var)?/var/tmp/pveupload-[0-9a-f]+"), "/var/tmp/pveupload-0"),
    (re.compile(r"\.conf\.tmp\.\d+"), ".conf.tmp.0"),
)


def without_volatile(answer: Any) -> Any:
    """Return an answer with what a host makes up (times, MAC addresses, UUIDs) replaced by fixed values."""
    text = json.dumps(answer)
    for pattern, fixed in _VOLATILE:
        text = pattern.sub(fixed, text)
    return json.loads(text)
