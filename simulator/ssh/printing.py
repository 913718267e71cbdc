"""How `qm`, `pct`, `pvesm` and `pveum` print the answers of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.schema import boolean
from simulator.ssh.calling import Options
from simulator.ssh.shell import Streams
from simulator.ssh.table import printed
from simulator.ssh.text import encode_text

VERBOSE = boolean(optional=True)
_MIB, _KIB = 1 << 20, 1 << 10
_GIB = 1 << 30


def formatted(data: Any, options: Options, streams: Streams) -> None:
    """Print a table, or what other format is asked for."""
    border, header = "noborder" not in options.display, "noheader" not in options.display
    streams.out(printed(data, options.form, border=border, header=header).encode())


def plain(data: Any, _options: Options, streams: Streams) -> None:
    """Print a text."""
    streams.say(str(data))


def config(data: dict[str, Any], _options: Options, streams: Streams) -> None:
    """Print a configuration, an option a line."""
    for key in sorted(data):
        if key != "digest":
            value = encode_text(str(data[key])) if key == "description" else data[key]
            streams.say(f"{key}: {value}")


def pending(data: list[dict[str, Any]], _options: Options, streams: Streams) -> None:
    """Print a configuration with what is pending."""
    for row in sorted(data, key=lambda row: str(row["key"])):
        key = row["key"]
        if key == "digest":
            continue
        if "delete" in row:
            streams.say(f"del {key}: {row.get('value', '')}")
        elif "value" in row:
            streams.say(f"cur {key}: {row['value']}")
        if "pending" in row:
            streams.say(f"new {key}: {row['pending']}")


def status(data: dict[str, Any], options: Options, streams: Streams) -> None:
    """Print a guest's state; with --verbose everything that is known of it."""
    if options.display.get("verbose") != "1":
        streams.say(f"status: {data['status']}")
        return
    for key in sorted(data):
        streams.say(f"{key}: {data[key]}")


def _table(head: str, row: Callable[[dict[str, Any]], str]) -> Callable[[Any, Options, Streams], None]:
    def show(data: list[dict[str, Any]], _options: Options, streams: Streams) -> None:
        if data:
            streams.say(head)
        for entry in sorted(data, key=lambda entry: int(entry["vmid"])):
            streams.say(row(entry))

    return show


def _machine(row: dict[str, Any]) -> str:
    memory, disk = int(row.get("maxmem", 0)) // _MIB, int(row.get("maxdisk", 0)) / _GIB
    name, pid = row.get("name", ""), row.get("pid") or 0
    return f"{row['vmid']:>10} {name:<20} {row['status']:<10} {memory:<10} {disk:>12.2f} {pid:<10}"


def _container(row: dict[str, Any]) -> str:
    return f"{row['vmid']:<10} {row['status']:<10} {row.get('lock', ''):<12} {row.get('name', ''):<20}"


MACHINES = _table(
    f"{'VMID':>10} {'NAME':<20} {'STATUS':<10} {'MEM(MB)':<10} {'BOOTDISK(GB)':>12} {'PID':<10}", _machine
)
CONTAINERS = _table(f"{'VMID':<10} {'Status':<10} {'Lock':<12} {'Name':<20}", _container)


def snapshots(data: list[dict[str, Any]], _options: Options, streams: Streams) -> None:
    """Print the tree of snapshots."""
    children: dict[str, list[dict[str, Any]]] = {}
    names = {row["name"] for row in data}
    for row in data:
        parent = row.get("parent", "")
        children.setdefault(parent if parent in names else "", []).append(row)
    _print_below("", 0, children, streams)


def _print_below(parent: str, depth: int, children: dict[str, list[dict[str, Any]]], streams: Streams) -> None:
    for row in sorted(children.get(parent, []), key=lambda row: int(row.get("snaptime", 1 << 62))):
        description = str(row.get("description", "no-description")).partition("\n")[0]
        streams.say(f"{' ' * depth}`-> {row['name']:<27} {description}")
        _print_below(row["name"], depth + 1, children, streams)


def storages(data: list[dict[str, Any]], _options: Options, streams: Streams) -> None:
    """Print the storages of a node with their room in KiB."""
    width = max([len(row["storage"]) for row in data] + [10])
    streams.say(
        f"{'Name':<{width}} {'Type':>10} {'Status':>10} {'Total (KiB)':>15} {'Used (KiB)':>15}"
        f" {'Available (KiB)':>15} {'%':>8}"
    )
    for row in sorted(data, key=lambda row: str(row["storage"])):
        total, used, free = (int(row.get(key, 0)) // _KIB for key in ("total", "used", "avail"))
        active = "active" if row.get("active") else "disabled" if not row.get("enabled", 1) else "inactive"
        share = f"{100 * used / total:>7.2f}%" if total else f"{'0.00':>7}%"
        shown = "N/A".rjust(8) if active == "disabled" else share
        streams.say(
            f"{row['storage']:<{width}} {row['type']:>10} {active:>10} {total:>15} {used:>15} {free:>15} {shown}"
        )


def volumes(data: list[dict[str, Any]], _options: Options, streams: Streams) -> None:
    """Print what is on a storage."""
    if not data:
        return
    width = max(len(row["volid"]) for row in data)
    streams.say(f"{'Volid':<{width}} {'Format':<7} {'Type':<10} {'Size':>14} VMID")
    for row in sorted(data, key=lambda row: str(row["volid"])):
        line = (
            f"{row['volid']:<{width}} {row['format']:<7} {row['content']:<10} {row['size']:>14} {row.get('vmid', '')}"
        )
        streams.say(line.rstrip())


def created(data: Any, _options: Options, streams: Streams) -> None:
    """Tell the name of a new volume."""
    streams.say(f"successfully created '{data}'")


def path(data: dict[str, Any], _options: Options, streams: Streams) -> None:
    """Print where a volume is."""
    streams.say(str(data["path"]))


def changes(tool: str, options: Options, streams: Streams) -> None:
    """Print what `qm set` is about to change; `pct set` says nothing."""
    if tool == "qm":
        given = {key: value for key, value in options.values.items() if key not in {"vmid", "node"}}
        shown = (f"-{key} {'<hidden>' if key == 'cipassword' else value}" for key, value in sorted(given.items()))
        streams.say(f"update VM {options.values['vmid']}: {' '.join(shown)}")
