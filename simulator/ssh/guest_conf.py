"""The configuration files of machines and containers: the options, what is pending, and a section per snapshot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.guests import lxc_options, qemu_options
from simulator.records import Guest, Snapshot
from simulator.schema import Param, string
from simulator.ssh.text import MalformedFileError, check_values, comment_lines, comment_text, lines_of

_PENDING = {"qemu": "PENDING", "lxc": "pve:pending"}
_SECTION = re.compile(r"\[(PENDING|pve:pending|[A-Za-z][A-Za-z0-9_\-]+)\]")
_LINE = re.compile(r"([a-z][a-z_\-]*[0-9]*):\s*(\S.*)?")
_DELETE = re.compile(r"!?[a-z][a-z0-9_\-]*")
_TEXT = string(optional=True)
_OF_SNAPSHOTS: dict[str, Param] = dict.fromkeys(
    ("parent", "snaptime", "snapstate", "vmstate", "runningmachine", "runningcpu", "running-nets-host-mtu", "machine"),
    _TEXT,
)
_PARAMS: Mapping[str, Mapping[str, Param]] = {
    "qemu": {**_OF_SNAPSHOTS, **qemu_options.EXPANDED, "meta": _TEXT, "cloudinit": _TEXT},
    "lxc": {**_OF_SNAPSHOTS, **lxc_options.EXPANDED},
}


@dataclass(slots=True)
class GuestConf:
    """What a guest's file says."""

    config: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    pending_delete: dict[str, bool] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)


def of_guest(guest: Guest) -> GuestConf:
    """Return what the file of a guest says."""
    return GuestConf(dict(guest.config), dict(guest.pending), dict(guest.pending_delete), dict(guest.snapshots))


def render(kind: str, conf: GuestConf) -> str:
    """Write the file."""
    text = _section(conf.config)
    pending = dict(conf.pending)
    if conf.pending_delete:
        items = (f"!{key}" if forced else key for key, forced in sorted(conf.pending_delete.items()))
        pending["delete"] = ",".join(items)
    if pending:
        text += f"\n[{_PENDING[kind]}]\n{_section(pending)}"
    for name, snapshot in sorted(conf.snapshots.items()):
        text += f"\n[{name}]\n{_section(snapshot.config)}"
    return text


def _section(options: Mapping[str, str]) -> str:
    lines = [f"{key}: {value}".rstrip() + "\n" for key, value in sorted(options.items()) if key != "description"]
    return comment_lines(options.get("description", "")) + "".join(lines)


def parse(kind: str, text: str) -> GuestConf:
    """Read the file of a machine (`qemu`) or container (`lxc`), or refuse it."""
    sections: dict[str, dict[str, str]] = {"": {}}
    comments: dict[str, list[str]] = {"": []}
    current = ""
    for number, line in lines_of(text):
        section, option = _SECTION.fullmatch(line), _LINE.fullmatch(line)
        if line.startswith("#"):
            comments[current].append(line[1:])
        elif section is not None and section[1] not in sections:
            current = section[1]
            sections[current], comments[current] = {}, []
        elif option is not None and option[1] not in sections[current] and option[1] != "description":
            sections[current][option[1]] = option[2] or ""
        elif line:
            raise MalformedFileError(f"line {number}: '{line}' is no option or section, or is there twice")
    for name, lines in comments.items():
        if lines:
            sections[name]["description"] = comment_text(lines)
    return _assembled(kind, sections)


def _assembled(kind: str, sections: dict[str, dict[str, str]]) -> GuestConf:
    conf = GuestConf(config=sections.pop(""))
    conf.pending = sections.pop(_PENDING[kind], {})
    for item in [item for item in re.split(r"[,\s]+", conf.pending.pop("delete", "")) if item]:
        if _DELETE.fullmatch(item) is None:
            raise MalformedFileError(f"delete: '{item}' is no option")
        conf.pending_delete[item.removeprefix("!")] = item.startswith("!")
    if any(name in sections for name in _PENDING.values()):
        raise MalformedFileError("a section for pending changes has another name here")
    check_values("options", _PARAMS[kind], conf.config)
    check_values("pending", _PARAMS[kind], conf.pending)
    for name, options in sections.items():
        check_values(f"snapshot {name}", _PARAMS[kind], options)
        if not options.get("snaptime", "0").isdigit():
            raise MalformedFileError(f"snapshot {name}: snaptime is no time")
        conf.snapshots[name] = Snapshot(config=options)
    return conf
