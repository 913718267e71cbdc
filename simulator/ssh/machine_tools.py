"""The commands that tell who one is, what time it is, and on what machine."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

from simulator.ssh.file_tree import OWNERS, owner_name
from simulator.ssh.flags import InvalidArgumentError
from simulator.ssh.shell import Program, Shell, Streams
from simulator.versions import NEWEST, RELEASES, Release

if TYPE_CHECKING:
    from simulator.ssh.node_shell import NodeShell  # a guest has some of these commands, and knows no node

_LAST_MOMENT = 253402300799
"""The end of the year 9999."""


async def whoami(shell: Shell, _args: list[str], streams: Streams) -> int:
    """Print who one is."""
    streams.say(shell.user)
    return 0


async def id_(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the numbers of a user and its groups."""
    letters = "".join(word[1:] for word in args if word.startswith("-"))
    name = next((word for word in args if not word.startswith("-")), shell.user)
    number = OWNERS.get(name)
    if number is None:
        streams.complain(f"id: '{name}': no such user")
        return 1
    if set(letters) & {"u", "g", "G"}:
        streams.say(name if "n" in letters else str(number))
    else:
        streams.say(f"uid={number}({name}) gid={number}({owner_name(number)}) groups={number}({owner_name(number)})")
    return 0


async def uname(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the names of a guest's kernel, which is that of a host of today, and of the machine."""
    return _print_names(shell, RELEASES[NEWEST], args, streams)


async def uname_of_node(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Print the names of a node's kernel and of the machine."""
    return _print_names(shell, shell.datacenter.nodes[shell.node].release, args, streams)


def _print_names(shell: Shell, release: Release, args: list[str], streams: Streams) -> int:
    letters = "".join(word.lstrip("-") for word in args) or "s"
    values = {"s": "Linux", "n": shell.host, "r": release.kernel, "v": release.build, "m": "x86_64", "o": "GNU/Linux"}
    order = "snrvmo" if "a" in letters else [letter for letter in "snrvmo" if letter in letters]
    streams.say(" ".join(values[letter] for letter in order))
    return 0


async def arch(_shell: Shell, _args: list[str], streams: Streams) -> int:
    """Print the machine's architecture."""
    streams.say("x86_64")
    return 0


async def date(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Print the time by the simulator's clock."""
    words, moment = list(args), shell.tree.now
    given = next((word for word in words if re.fullmatch(r"-d@\d+|--date=@\d+|@\d+", word)), None)
    moment = float(given.partition("@")[2]) if given else moment
    if moment > _LAST_MOMENT:
        raise InvalidArgumentError(f"invalid date '@{moment:.0f}'")
    form = next((word[1:] for word in words if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    form = "%Y-%m-%dT%H:%M:%S+00:00" if {"-Is", "-Iseconds", "--iso-8601=seconds"} & set(words) else form
    form = form.replace("%s", str(int(moment))).replace("%N", f"{int(moment % 1 * 1e9):09d}").replace("%F", "%Y-%m-%d")
    streams.say(datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime(form.replace("%T", "%H:%M:%S")))
    return 0


async def nproc(shell: NodeShell, _args: list[str], streams: Streams) -> int:
    """Print the number of processors."""
    streams.say(str(shell.datacenter.nodes[shell.node].cpus))
    return 0


async def uptime(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Print how long the node has been up."""
    started = shell.datacenter.nodes[shell.node].started
    if args == ["-s"]:
        streams.say(f"{datetime.datetime.fromtimestamp(started, datetime.UTC):%Y-%m-%d %H:%M:%S}")
        return 0
    minutes = int(shell.tree.now - started) // 60
    now = datetime.datetime.fromtimestamp(shell.tree.now, datetime.UTC)
    streams.say(
        f" {now:%H:%M:%S} up {minutes // 1440} days, {minutes // 60 % 24:2}:{minutes % 60:02},  1 user,"
        "  load average: 0.10, 0.15, 0.12"
    )
    return 0


async def hostname(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Print the node's name; with -f the full one, with -I the address."""
    node = shell.datacenter.nodes[shell.node]
    domain = node.dns.get("search", "")
    full = f"{node.name}.{domain}" if domain else node.name
    shown = {"-f": full, "--fqdn": full, "-I": f"{node.ip} ", "-i": node.ip, "-d": domain}
    streams.say(shown.get("".join(args), node.name))
    return 0


PORTABLE: dict[str, Program] = {"arch": arch, "id": id_, "uname": uname, "whoami": whoami}
"""Those that need nothing of a node."""
PROGRAMS: dict[str, Program] = {
    **PORTABLE, "date": date, "hostname": hostname, "nproc": nproc, "uname": uname_of_node, "uptime": uptime
}  # fmt: skip
