"""A node's `/etc/network/interfaces`, the staged file beside it, and the interfaces that are up because of it.

A change is staged in `interfaces.new`; applying it makes that the file and sets the interfaces up. What the
kernel has is in the table `interfaces` of the state; a host without a file yet has the one that its installer
wrote for the interfaces of its topology.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import replace

from simulator.network.checking import settle
from simulator.network.parsing import Entry, Interfaces, parse
from simulator.network.reach import watched
from simulator.network.rendering import HEADER, render
from simulator.network.unified_diff import hunks
from simulator.records import File, Interface
from simulator.state import Datacenter

PATH = "/etc/network/interfaces"
STAGED_PATH = "/etc/network/interfaces.new"
_SOURCE = (1 << 30, "source /etc/network/interfaces.d/*")


def current(datacenter: Datacenter, node: str) -> File:
    """Return the file that is in effect."""
    found = datacenter.files.get(f"{node}:{PATH}")
    if found is not None:
        return found
    started = datacenter.nodes[node].started
    return File(node=node, path=PATH, text=_installed(links(datacenter, node)), changed=started)


def staged(datacenter: Datacenter, node: str) -> File | None:
    """Return the file that waits to be applied."""
    return datacenter.files.get(f"{node}:{STAGED_PATH}")


def links(datacenter: Datacenter, node: str) -> list[Interface]:
    """Return the interfaces that the kernel has, network cards first."""
    return sorted(datacenter.interfaces.by("node", node), key=lambda link: (link.type != "eth", link.iface))


def read(datacenter: Datacenter, node: str) -> Interfaces:
    """Read the staged file, or else the one in effect."""
    file = staged(datacenter, node) or current(datacenter, node)
    return parse(file.text, [link.iface for link in datacenter.interfaces.by("node", node)])


def stage(datacenter: Datacenter, node: str, config: Interfaces, now: float) -> None:
    """Check a configuration and write it beside the file in effect."""
    settle(config)
    datacenter.files.put(File(node=node, path=STAGED_PATH, text=render(config), changed=now))


def revert(datacenter: Datacenter, node: str) -> None:
    """Forget what is staged."""
    datacenter.files.delete(f"{node}:{STAGED_PATH}")


def activate(datacenter: Datacenter, node: str) -> None:
    """Put the staged file in the place of the other one; the interfaces stay as they are until `reload`."""
    file = staged(datacenter, node)
    if file is not None:
        datacenter.files.put(replace(file, path=PATH))
        revert(datacenter, node)


def reload(datacenter: Datacenter, node: str) -> None:
    """Bring up what the file in effect starts by itself, and take down what is no longer in it."""
    if f"{node}:{PATH}" in datacenter.files:
        with watched(datacenter, node):
            _reload(datacenter, node)


def _reload(datacenter: Datacenter, node: str) -> None:
    cards = {link.iface for link in links(datacenter, node) if link.type in ("eth", "OVSPort")}
    entries = parse(current(datacenter, node).text).entries
    wanted = {name: entry for name, entry in entries.items() if name in cards or entry.get("autostart")}
    for link in links(datacenter, node):
        if link.iface not in wanted and link.iface not in cards:
            datacenter.interfaces.delete(f"{node}/{link.iface}")
    for name, entry in wanted.items():
        if name != "lo":
            datacenter.interfaces.put(link_of(node, name, entry))
    for name in cards - wanted.keys():
        datacenter.interfaces.put(Interface(node=node, iface=name, type="eth", options={"method": "manual"}))


def link_of(node: str, name: str, entry: Entry) -> Interface:
    """Return an interface as it is once it has been set up: with its settings, and the commands that are run then."""
    options = {key: str(value) for key, value in entry.items() if isinstance(value, (str, int)) and key != "type"}
    run = [line.partition(" ")[2] for line in entry.get("options", ()) if re.match(r"(post-)?up\s", line)]
    return Interface(
        node=node, iface=name, type=entry["type"], options=options | ({"post-up": "\n".join(run)} if run else {})
    )


def _installed(found: list[Interface]) -> str:
    """Return the file that the installer writes: it has no header yet."""
    entries: dict[str, Entry] = {
        "lo": {"priority": 2, "type": "loopback", "method": "loopback", "autostart": 1, "families": ["inet"]}
    }
    for place, link in enumerate(found, 3):
        entry: Entry = {"type": link.type, "priority": place, "families": ["inet"], **link.options}
        entry["address"] = entry.pop("cidr", entry.get("address"))
        entries[link.iface] = entry
    return render(Interfaces(entries, [_SOURCE])).removeprefix(HEADER)


def changes(datacenter: Datacenter, node: str) -> str:
    """Return in what the staged file differs, as `diff -b -u` writes it; empty when it does not."""
    new = staged(datacenter, node)
    if new is None:
        return ""
    old = current(datacenter, node)
    text = hunks(old.text, new.text)
    return f"--- {PATH}\t{_stamp(old.changed)}\n+++ {STAGED_PATH}\t{_stamp(new.changed)}\n{text}" if text else ""


def _stamp(time: float) -> str:
    moment = datetime.datetime.fromtimestamp(int(time), datetime.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{int(time % 1 * 1e9):09d} +0000"
