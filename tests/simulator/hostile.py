"""Values that break programs, and values that fit, for every parameter that Proxmox has."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from simulator.schema import Param, PropertyString

TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1.5",
    "1e999",
    "NaN",
    "0x10",
    "99999999999999999999",
    "\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT ZERO}\N{FULLWIDTH DIGIT ZERO}",
    "\N{SUPERSCRIPT TWO}",
    "žluťoučký 日本 \N{BLACK SPADE SUIT}",
    "a\0b",
    "\x01\x1b[31m",
    "a\nmemory: 1\n[evil]\n",
    "a\r\nuser:evil@pve:1:0:::::\r\n",
    "../../../etc/passwd",
    "local:../../../etc/shadow",
    "local:iso/../../x.iso",
    "local-lvm:100/../101/vm-101-disk-0.raw",
    "/etc/../etc/passwd",
    "..",
    ",",
    "=",
    ",,=,=",
    "a=b,c=d",
    "a=1,a=2",
    "local:1,size=,=x",
    "%2e%2e%2f",
    "$(reboot)`id`;'\"|&",
    "x" * 300,
    ":",
    "::",
    "@",
    "!",
    "a@b@c!d!e",
    "1;2 3",
    "vm:",
    "*-*-* 99:99",
    "[", "(", "\\",
)  # fmt: skip
WRONG_TYPES: tuple[Any, ...] = (None, True, False, 0, -1, 1.5, 10**30, float("inf"), {}, {"a": {"b": []}})
LISTS: tuple[list[Any], ...] = ([], ["a", "b"], [None], [[1]], [{}])
HUGE = ("x" * (64 << 10), "a=1," * (16 << 10), "9" * (64 << 10))

_FAMILIAR = {
    "node": "pve1", "vmid": "100", "newid": "999", "storage": "local", "userid": "ann@pve", "poolid": "prod",
    "groupid": "staff", "roleid": "reader", "realm": "pve", "tokenid": "t1", "path": "/vms/100", "roles": "PVEAuditor",
    "snapname": "before", "disk": "scsi0", "size": "+1G", "target": "pve1", "volume": "local:iso/debian.iso",
    "iface": "vmbr0", "zone": "zone1", "vnet": "vnet1", "subnet": "zone1-10.1.0.0-24", "sid": "vm:100", "rule": "rule1",
    "group": "web", "name": "trusted", "cidr": "192.0.2.0/24", "pos": "0", "type": "dir", "id": "job1",
    "ostemplate": "local:vztmpl/debian-13.tar.zst", "content": "iso", "filename": "x.iso", "password": "secret12",
    "username": "ann@pve", "key": "description", "text": "x", "command": "reboot", "resources": "vm:100",
    "nodes": "pve1", "server": "192.0.2.9", "map": "node=pve1,path=/mnt/x", "upid": "UPID:pve1:1:1:1:x:x:root@pam:",
    "schedule": "02:00", "controller": "ctl1", "ipam": "pve", "dns": "dns1", "feature": "snapshot", "tag": "10",
    "volid": "local:iso/debian.iso", "url": "http://192.0.2.9/x.iso", "mp": "/data", "member": "192.0.2.1",
    "ip": "10.1.0.5", "mac": "BC:24:11:00:00:01", "search": "example.test", "timezone": "UTC", "data": "x",
    "public-keys": "ssh-ed25519 AAAA x", "archive": "-", "file": "/etc/hostname", "pid": "1", "port": "22",
}  # fmt: skip


def familiar(name: str, param: Param) -> Any:
    """Return a value that fits a parameter, and names something that is there where it can."""
    if param.enum is not None:
        return param.enum[0]
    if name in _FAMILIAR and param.type in ("string", "integer"):
        return _FAMILIAR[name]
    if param.type in ("integer", "number"):
        return str(int(param.minimum or 1))
    if param.type == "array":
        return [familiar(name, param.items)] if param.items is not None else ["x1"]
    if isinstance(param.format, PropertyString):
        needed = {key: inner for key, inner in param.format.properties.items() if not inner.optional}
        return ",".join(f"{key}={familiar(key, inner)}" for key, inner in needed.items()) or "x1"
    return {"boolean": "1"}.get(param.type, "x1")


def named_in_path(path: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Put those of the values that a path names into it; return it with the other values."""
    names = re.findall(r"\{([^}]+)\}", path)
    rest = {name: value for name, value in values.items() if name not in names}
    return re.sub(r"\{([^}]+)\}", lambda match: _segment(values.get(match[1], "x")), path), rest


def _segment(value: Any) -> str:
    """Return a value as a part of a path, as a server has it after decoding."""
    return str(value) or quote(" ")
