"""The configuration files of machines and containers: the options, what is pending, and a section per snapshot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.guests import lxc_options, qemu_options
from simulator.records import Guest, Snapshot
from simulator.schema import Param, integer, string
from simulator.ssh.section_file import Warn, silently
from simulator.ssh.text import MalformedFileError, check_values, comment_lines, comment_text, lines_of

_PENDING = {"qemu": "PENDING", "lxc": "pve:pending"}
_SECTION = re.compile(r"\[(PENDING|pve:pending|[A-Za-z][A-Za-z0-9_\-]+)\]")
_LINE = re.compile(r"([a-z][a-z_\-]*[0-9]*):\s*(\S.*)?")
_DELETE = re.compile(r"!?[a-z][a-z0-9_\-]*")
RAW = "lxc"
"""Where a container's lines for LXC itself are kept, as one text."""
_RAW_LINE = re.compile(r"(lxc\.[a-z0-9_\-.]+)(?::|\s*=)\s*(.*?)\s*")
_RAW_KEYS = re.compile(
    r"lxc\.(apparmor|arch|autodev|cap|cgroup2?|console|environment|ephemeral|group|hook|idmap|include|init|keyring|log|"
    r"monitor|mount\.(auto|entry|fstab)|namespace|net|no_new_privs|prlimit|proc|pty|seccomp|selinux|signal|start|sysctl|"
    r"tty)(\..*)?"
)
"""What LXC may be told; the rest is what Proxmox tells it."""
_TEXT = string(optional=True)
_OF_SNAPSHOTS: dict[str, Param] = dict.fromkeys(
    ("parent", "snapstate", "vmstate", "runningmachine", "runningcpu", "running-nets-host-mtu", "machine"),
    _TEXT,
) | {"snaptime": integer(optional=True)}
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
    apart = ("description", RAW)
    lines = [f"{key}: {value}".rstrip() + "\n" for key, value in sorted(options.items()) if key not in apart]
    raw = f"{options[RAW]}\n" if RAW in options else ""
    return comment_lines(options.get("description", "")) + "".join(lines) + raw


def parse(kind: str, text: str, warn: Warn = silently) -> GuestConf:
    """Read the file of a machine (`qemu`) or container (`lxc`); what says nothing is left out, and `warn` is told."""
    sections: dict[str, dict[str, str]] = {"": {}}
    comments: dict[str, list[str]] = {"": []}
    current = ""
    for _, line in lines_of(text):
        section, option = _SECTION.fullmatch(line), _LINE.fullmatch(line)
        raw = _RAW_LINE.fullmatch(line) if kind == "lxc" else None
        if line.startswith("#"):
            comments[current].append(line[1:])
        elif section is not None:
            current = section[1]
            sections[current], comments[current] = {}, []
        elif raw is not None and _RAW_KEYS.fullmatch(raw[1]):
            before = sections[current].get(RAW)
            sections[current][RAW] = f"{before}\n{raw[1]}: {raw[2]}" if before else f"{raw[1]}: {raw[2]}"
        elif option is not None and option[1] != "description":
            _take(kind, sections[current], option[1], option[2] or "", warn)
        elif line:
            warn(f"unable to parse config: {line}")
    for name, lines in comments.items():
        if lines:
            sections[name]["description"] = comment_text(lines)
    return _assembled(kind, sections)


def _take(kind: str, options: dict[str, str], key: str, value: str, warn: Warn) -> None:
    """Set an option whose value is one that it may have; the last line of a name counts."""
    try:
        if key != "delete":
            check_values("option", _PARAMS[kind], {key: value})
    except MalformedFileError as error:
        warn(f"unable to parse value of '{key}' - {error}")
    else:
        options[key] = value


def _assembled(kind: str, sections: dict[str, dict[str, str]]) -> GuestConf:
    conf = GuestConf(config=sections.pop(""))
    conf.config.pop("delete", None)
    conf.pending = sections.pop(_PENDING[kind], {})
    for item in [item for item in re.split(r"[,\s]+", conf.pending.pop("delete", "")) if item]:
        if _DELETE.fullmatch(item) is not None:
            conf.pending_delete[item.removeprefix("!")] = item.startswith("!")
    for name, options in sections.items():
        if name not in _PENDING.values():
            options.pop("delete", None)
            conf.snapshots[name] = Snapshot(config=options)
    return conf
