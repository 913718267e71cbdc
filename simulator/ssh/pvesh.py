"""`pvesh`: the whole API on the command line."""

from __future__ import annotations

import itertools

from simulator.errors import ApiError
from simulator.routing import ROUTES
from simulator.ssh.calling import (
    FAILED,
    Options,
    UsageError,
    finished,
    has_method,
    is_upid,
    params_of,
    path_parameters,
    read_options,
    refused,
)
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.table import FORMATS, printed

_METHODS = {"get": "GET", "create": "POST", "set": "PUT", "delete": "DELETE"}
_COMMANDS = (*_METHODS, "ls", "usage")
_CAPABILITIES = {"GET": "r", "PUT": "w", "POST": "c", "DELETE": "d"}
_USAGE = """USAGE: pvesh <COMMAND> [ARGS] [OPTIONS]
       pvesh create <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh delete <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh get <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh ls <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh set <api_path> [OPTIONS] [FORMAT_OPTIONS]
       pvesh usage <api_path> [OPTIONS]"""


async def pvesh(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Call a method, or list what is below a path."""
    if len(args) < 2 or args[0] not in _COMMANDS:  # noqa: PLR2004 - command and path
        known = bool(args) and args[0] in _COMMANDS
        what = "not enough arguments" if known else f"unknown command '{' '.join(args[:1])}'"
        streams.complain(f"ERROR: {what}\n{_USAGE}" if args else f"ERROR: no command specified\n{_USAGE}")
        return FAILED
    path = "/" + "/".join(part for part in args[1].split("/") if part)
    if args[0] == "ls":
        return await _list(shell, path, streams)
    if args[0] == "usage":
        return _explain(path, args[2:], streams)
    return await _call(shell, args[0], path, args[2:], streams)


async def _call(shell: NodeShell, command: str, path: str, args: list[str], streams: Streams) -> int:
    """Call a method with options for parameters, and print its answer."""
    method = _METHODS[command]
    if not has_method(method, path):
        streams.complain(f"No '{command}' handler defined for '{path}'")
        return FAILED
    usage = f"pvesh {command} {path} [OPTIONS] [FORMAT_OPTIONS]"
    try:
        options = read_options(args, params_of(method, path))
        _check(options)
    except UsageError as error:
        streams.complain(f"{error}\n{usage}")
        return FAILED
    try:
        data = await shell.api(method, path, options.values)
    except ApiError as refusal:
        return refused(shell, refusal, usage, streams)
    return await _show(shell, data, options, streams)


def _check(options: Options) -> None:
    if options.words:
        raise UsageError("400 too many arguments")
    if options.form not in FORMATS:
        text = f"value '{options.form}' does not have a value in the enumeration '{', '.join(FORMATS)}'"
        raise UsageError(f"400 Parameter verification failed.\noutput-format: {text}")


async def _show(shell: NodeShell, data: object, options: Options, streams: Streams) -> int:
    code, plain = 0, options.form == "text"
    if isinstance(data, str) and is_upid(data):
        code = await finished(shell, data, streams if plain else _aside(streams))
    if "quiet" not in options.display and (data is not None or not plain):
        border, header = "noborder" not in options.display, "noheader" not in options.display
        streams.out(printed(data, options.form, border=border, header=header).encode())
    return code


def _aside(streams: Streams) -> Streams:
    """Return streams that keep what is printed meanwhile out of the answer."""
    return Streams(streams.input, streams.error, streams.error)


def _explain(path: str, options: list[str], streams: Streams) -> int:
    """Tell which methods a path has, and with `--verbose` their parameters."""
    wanted = next((after for word, after in itertools.pairwise(options) if word == "--command"), None)
    known = [name for name, method in _METHODS.items() if has_method(method, path) and wanted in (None, name)]
    if not known:
        streams.complain(f"no such resource '{path}'")
        return FAILED
    for name in known:
        streams.say(f"USAGE: pvesh {name} {path} [OPTIONS] [FORMAT_OPTIONS]")
        in_path = path_parameters(_METHODS[name], path)
        params = params_of(_METHODS[name], path) if {"-v", "--verbose"} & set(options) else {}
        for option, param in sorted(params.items()):
            if option not in in_path:
                kind = f"({' | '.join(param.enum)})" if param.enum else f"<{param.type}>"
                streams.say(f"\n  -{option:<10} {kind}")
        streams.say("")
    return 0


async def _list(shell: NodeShell, path: str, streams: Streams) -> int:
    """List what is below a path: from the API's structure, and from the list that a path with a parameter has."""
    below = _children(path)
    if not below:
        streams.complain(
            f"no such resource '{path}'" if not has_method("GET", path) else "resource does not define child links"
        )
        return FAILED
    for name, capabilities in sorted(below.items()):
        if not name.startswith("{"):
            streams.say(f"{capabilities:<5}      {name}")
            continue
        try:
            rows = await shell.api("GET", path)
        except ApiError as refusal:
            return refused(shell, refusal, "", streams)
        key = name.strip("{}")
        for row in rows if isinstance(rows, list) else []:
            streams.say(f"{capabilities:<5}      {row.get(key, row.get('id', '')) if isinstance(row, dict) else row}")
    return 0


def _children(path: str) -> dict[str, str]:
    """Return what the API has below a path: names, with `D` for a folder and a letter per method."""
    parts = [part for part in path.split("/") if part]
    found: dict[str, set[str]] = {}
    for route in ROUTES:
        names = [part for part in route.path.split("/") if part]
        fits = all(a == b or b.startswith("{") for a, b in zip(parts, names, strict=False))
        if len(names) > len(parts) and fits:
            deeper = len(names) > len(parts) + 1
            found.setdefault(names[len(parts)], set()).add("D" if deeper else _CAPABILITIES[route.method])
    return {
        name: "".join(letter if letter in letters else "-" for letter in "Drwcd") for name, letters in found.items()
    }


PROGRAMS: dict[str, Program] = {"pvesh": pvesh}
