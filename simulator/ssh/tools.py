"""The command line tools of Proxmox: thin front ends of the API, each a table of commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import ApiError
from simulator.ssh import printing
from simulator.ssh.calling import FAILED, Options, UsageError, finished, is_upid, params_of, read_options, refused
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.table import printed

Show = Callable[[Any, Options, Streams], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: the method of the API, the parameters that are given without their names, and how it is shown."""

    method: str
    path: str
    words: tuple[str, ...] = ()
    show: Show | None = None
    fixed: tuple[tuple[str, str], ...] = ()
    quiet: bool = False
    optional: int = 0
    """How many of the last words may be left out."""


def entry(text: str, words: str = "", show: Show | None = None, **options: Any) -> Entry:
    """Make a command of a method and a path, and the names of the parameters that are given without theirs."""
    method, path = text.split()
    return Entry(method, path, tuple(words.split()), show, **options)


def _find(entries: Mapping[str, Entry | Program], args: list[str]) -> tuple[str, Entry | Program] | None:
    """Return the command that the first words name: up to three of them."""
    for count in (3, 2, 1):
        name = " ".join(args[:count])
        if len(args) >= count and name in entries:
            return name, entries[name]
    return None


def _usage(tool: str, name: str, entry: Entry) -> str:
    required = len(entry.words) - entry.optional
    words = [f"<{word}>" if number < required else f"[<{word}>]" for number, word in enumerate(entry.words)]
    return " ".join([tool, name, *words, "[OPTIONS]"])


def _read(entry: Entry, shell: NodeShell, args: list[str]) -> Options:
    """Return the options with the positional parameters among them."""
    sample = entry.path.replace("{node}", shell.node)
    known = dict(params_of(entry.method, sample))
    if entry.show is printing.status:
        known["verbose"] = printing.VERBOSE
    options = read_options(args, known)
    if len(options.words) > len(entry.words):
        raise UsageError("400 too many arguments")
    if len(options.words) < len(entry.words) - entry.optional:
        raise UsageError("400 not enough arguments")
    options.values |= dict(zip(entry.words, options.words, strict=False)) | dict(entry.fixed)
    if "{node}" in entry.path:
        options.values["node"] = shell.node
    if "{storage}" in entry.path and "storage" not in options.values:
        options.values["storage"] = str(options.values.get("volume", "")).partition(":")[0]
    if options.values.pop("verbose", "0") == "1":
        options.display["verbose"] = "1"
    return options


def _filled(path: str, values: dict[str, Any]) -> str:
    """Put values into the path and take them out of the parameters."""
    parts = []
    for part in path.split("/"):
        value = values.pop(part[1:-1], "") if part.startswith("{") else part
        parts.append(str(value))
    return "/".join(parts)


def _unknown(tool: str, entries: Mapping[str, Entry | Program], args: list[str], streams: Streams) -> int:
    """Say which commands there are; `help` is one that asks for that."""
    wanted = args[:1] == ["help"]
    what = f"unknown command '{tool} {' '.join(args)}'" if args else "no command specified"
    lines = [f"USAGE: {tool} <COMMAND> [ARGS] [OPTIONS]"]
    for name in sorted(entries):
        known = entries[name]
        lines.append(f"       {_usage(tool, name, known) if isinstance(known, Entry) else f'{tool} {name} [OPTIONS]'}")
    say = streams.say if wanted else streams.complain
    say("\n".join(lines if wanted else [f"ERROR: {what}", *lines]))
    return 0 if wanted else FAILED


def make(tool: str, entries: Mapping[str, Entry | Program]) -> Program:
    """Make a tool of its commands."""

    async def run(shell: NodeShell, args: list[str], streams: Streams) -> int:
        found = _find(entries, args)
        if found is None:
            return _unknown(tool, entries, args, streams)
        name, entry = found
        if not isinstance(entry, Entry):
            return await entry(shell, args[len(name.split()) :], streams)
        usage = _usage(tool, name, entry)
        try:
            options = _read(entry, shell, args[len(name.split()) :])
        except UsageError as error:
            streams.complain(f"{error}\n{usage}")
            return FAILED
        left = dict(options.values)
        path = _filled(entry.path, left)
        try:
            data = await shell.api(entry.method, path, left)
        except ApiError as refusal:
            return refused(shell, refusal, usage, streams)
        if name == "set" and entry.path.endswith("/config"):
            printing.changes(tool, options, streams)
        return await _show(shell, entry, data, options, streams)

    return run


async def _show(shell: NodeShell, entry: Entry, data: Any, options: Options, streams: Streams) -> int:
    if isinstance(data, str) and is_upid(data):
        return await finished(shell, data, streams)
    if "quiet" in options.display or data is None or entry.quiet:
        return 0
    if entry.show is not None and (options.form == "text" or entry.show is not printing.formatted):
        entry.show(data, options, streams)
    else:
        streams.out(printed(data, options.form).encode())
    return 0
