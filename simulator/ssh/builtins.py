"""The commands that are the shell's own, and those that start another shell or command."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from simulator.ssh.file_tree import HOME
from simulator.ssh.leaving import Exit, Leave
from simulator.ssh.shell import MISUSE, NOT_FOUND, Program, Shell, Streams

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "0": "\0", "e": "\x1b", '"': '"', "'": "'"}
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|0?([0-7]{3})|(.))", re.DOTALL)
_FORMAT = re.compile(r"%(?:%|(-?0?[0-9]{0,4}(?:\.[0-9]{1,3})?)([sdibxXoqcu]))")


def _unescaped(text: str) -> str:
    """Return a text with its backslash escapes done."""

    def one(match: re.Match[str]) -> str:
        if match[1] or match[2]:
            return chr(int(match[1], 16) if match[1] else int(match[2], 8) & 0xFF)
        return _ESCAPES.get(match[3], match[0])

    return _ESCAPE.sub(one, text)


async def echo(_shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the arguments."""
    words, letters = list(args), set[str]()
    while words and re.fullmatch("-[neE]+", words[0]):
        letters |= set(words.pop(0)[1:])
    text = " ".join(words)
    streams.out(((_unescaped(text) if "e" in letters else text) + ("" if "n" in letters else "\n")).encode())
    return 0


async def printf(_shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the arguments in a form, again and again as long as there are any."""
    args = args[1:] if args[:1] == ["--"] else args
    if not args:
        streams.complain("bash: line 1: printf: usage: printf [-v var] format [arguments]")
        return MISUSE
    form, left, text = args[0], args[1:], ""
    code = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal code
        if match[0] == "%%":
            return "%"
        value = left.pop(0) if left else ""
        if match[2] in "sqbc":
            shown = _unescaped(value) if match[2] == "b" else value[:1] if match[2] == "c" else value
            return f"%{match[1]}s" % shown
        if not re.fullmatch(r"[+-]?[0-9]*", value):
            streams.complain(f"bash: line 1: printf: {value}: invalid number")
            code, value = 1, "0"
        return f"%{match[1]}{match[2]}" % int(value or 0)

    while True:
        before = len(left)
        text += _FORMAT.sub(fill, _unescaped(form))
        if not left or len(left) == before:
            break
    streams.out(text.encode())
    return code


async def true(_shell: Shell, _args: list[str], _streams: Streams) -> int:
    """Do nothing, well."""
    return 0


async def false(_shell: Shell, _args: list[str], _streams: Streams) -> int:
    """Do nothing, badly."""
    return 1


async def pwd(shell: Shell, _args: list[str], streams: Streams) -> int:
    """Print the current folder."""
    streams.say(shell.folder)
    return 0


async def cd(shell: Shell, args: list[str], streams: Streams) -> int:
    """Go to a folder."""
    words = [word for word in args if word not in ("--", "-P", "-L")]
    name = words[0] if words else HOME
    place = shell.place(shell.variables.get("OLDPWD", HOME) if name == "-" else name)
    try:
        if not shell.tree.stat(place).folder:
            streams.complain(f"bash: line 1: cd: {name}: Not a directory")
            return 1
    except OSError as error:
        streams.complain(f"bash: line 1: cd: {name}: {error.strerror}")
        return 1
    shell.variables |= {"OLDPWD": shell.folder, "PWD": place}
    shell.folder = place
    return 0


async def leave(shell: Shell, args: list[str], _streams: Streams) -> int:
    """End the shell."""
    raise Exit(int(args[0]) & 0xFF if args and args[0].isdecimal() else shell.status)


def _leaver(what: str) -> Program:
    async def run(shell: Shell, args: list[str], _streams: Streams) -> int:
        given = int(args[0]) & 0xFF if args and args[0].isdecimal() else None
        default = shell.status if what == "return" else 1
        raise Leave(what, default if given is None else given)

    return run


async def export(shell: Shell, args: list[str], streams: Streams) -> int:
    """Hand variables on to the commands that are started."""
    for word in args or ["-p"]:
        name, given, value = word.partition("=")
        if word == "-p":
            for known in sorted(shell.exported & shell.variables.keys()):
                streams.say(f'declare -x {known}="{shell.variables[known]}"')
        elif not _NAME.fullmatch(name):
            streams.complain(f"bash: line 1: export: `{word}': not a valid identifier")
            return 1
        else:
            shell.exported.add(name)
            shell.variables |= {name: value} if given else {}
    return 0


async def local(shell: Shell, args: list[str], _streams: Streams) -> int:
    """Set variables."""
    for word in args:
        name, given, value = word.partition("=")
        if _NAME.fullmatch(name):
            shell.variables[name] = value if given else shell.variables.get(name, "")
    return 0


async def unset(shell: Shell, args: list[str], _streams: Streams) -> int:
    """Forget variables and functions."""
    for word in args:
        shell.variables.pop(word, None)
        shell.functions.pop(word, None)
    return 0


async def set_options(shell: Shell, args: list[str], streams: Streams) -> int:
    """Set how the shell works (`-e`, `-u`), or its arguments."""
    left = list(args)
    while left and left[0][:1] in "+-" and left[0] not in ("--", "-"):
        word = left.pop(0)
        names = {left.pop(0)} if word[1:].endswith("o") and left else set[str]()
        wanted = word.startswith("-")
        shell.fragile = wanted if "e" in word[1:] or "errexit" in names else shell.fragile
        shell.strict = wanted if "u" in word[1:] or "nounset" in names else shell.strict
    if left[:1] == ["--"]:
        shell.arguments = left[1:]
    elif left:
        shell.arguments = left
    elif not args:
        for name in sorted(shell.variables):
            streams.say(f"{name}={shell.variables[name]}")
    return 0


async def shift(shell: Shell, args: list[str], _streams: Streams) -> int:
    """Drop the first arguments."""
    count = int(args[0]) if args and args[0].isdecimal() else 1
    if count > len(shell.arguments):
        return 1
    shell.arguments = shell.arguments[count:]
    return 0


async def read(shell: Shell, args: list[str], streams: Streams) -> int:
    """Read a line into variables; the last one takes the rest."""
    line = await streams.input.line()
    names = [word for word in args if not word.startswith("-")] or ["REPLY"]
    separator = shell.variables.get("IFS", " \t\n")
    text = line.decode(errors="replace").rstrip("\n")
    parts = text.split(None, len(names) - 1) if " " in separator or len(names) == 1 else []
    if not parts and separator:
        parts = text.split(separator[0], len(names) - 1)
    for number, name in enumerate(names):
        shell.variables[name] = parts[number] if number < len(parts) else ""
    return 0 if line else 1


async def umask(shell: Shell, args: list[str], streams: Streams) -> int:
    """Set which permissions new files do not have, or print it."""
    if not args:
        streams.say(f"{shell.umask:04o}")
    elif not re.fullmatch("[0-7]{1,4}", args[0]):
        streams.complain(f"bash: line 1: umask: {args[0]}: octal number out of range")
        return 1
    else:
        shell.umask = int(args[0], 8)
    return 0


async def environment(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the environment, or run a command in one with more in it."""
    left, inner = list(args), shell.child()
    while left and (left[0].startswith("-") or "=" in left[0]):
        word = left.pop(0)
        name, given, value = word.partition("=")
        if word == "-u" and left:
            inner.variables.pop(left.pop(0), None)
        elif word in ("-", "-i", "--ignore-environment"):
            inner.exported = set()
        elif given and not word.startswith("-"):
            inner.variables[name] = value
            inner.exported.add(name)
    if left:
        return await inner.execute(left, streams)
    for name in sorted(inner.exported & inner.variables.keys()):
        streams.say(f"{name}={inner.variables[name]}")
    return 0


async def bash(shell: Shell, args: list[str], streams: Streams) -> int:
    """Run a command line, a script, or what comes in, in a shell of its own."""
    inner, left, is_line = shell.child(), list(args), False
    inner.functions = {}
    inner.variables = {n: v for n, v in shell.variables.items() if n in shell.exported or n in ("PWD", "OLDPWD")}
    inner.fragile = inner.strict = False
    while left and re.fullmatch(r"[-+][a-z]+|--\w+", left[0]) and left[0] not in ("-s", "--"):
        letters = left.pop(0)
        is_line = is_line or ("c" in letters and not letters.startswith("--"))
        inner.fragile = inner.fragile or (letters[0] == "-" and "e" in letters[1:] and letters[1] != "-")
        inner.strict = inner.strict or (letters[0] == "-" and "u" in letters[1:] and letters[1] != "-")
    if is_line:
        text, inner.arguments = (left[0] if left else ""), left[2:]
    elif left and left[0] not in {"-s", "-"}:
        inner.arguments = left[1:]
        try:
            text = shell.tree.read(shell.place(left[0])).decode(errors="replace")
        except OSError as error:
            streams.complain(f"bash: {left[0]}: {error.strerror}")
            return NOT_FOUND
    else:
        text, inner.arguments = (await streams.read()).decode(errors="replace"), left[1:]
    try:
        return await inner.run(text, streams)
    except Exit as ended:
        return ended.code


async def source(shell: Shell, args: list[str], streams: Streams) -> int:
    """Run a script in this very shell."""
    try:
        text = shell.tree.read(shell.place(args[0])).decode(errors="replace") if args else ""
    except OSError as error:
        streams.complain(f"bash: line 1: {args[0]}: {error.strerror}")
        return 1
    return await shell.run(text, streams)


async def evaluate(shell: Shell, args: list[str], streams: Streams) -> int:
    """Run the arguments as a command line."""
    return await shell.run(" ".join(args), streams)


async def command(shell: Shell, args: list[str], streams: Streams) -> int:
    """Run a command, or tell whether there is one (`command -v`)."""
    if args[:1] not in (["-v"], ["-V"]):
        return await shell.execute(args, streams) if args else 0
    return await which(shell, args[1:], streams)


async def which(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print where commands are."""
    code = 0 if args else 1
    for name in args:
        if name in shell.functions or name in _OWN:
            streams.say(name)
        elif shell.program(name.rpartition("/")[2]) is not None:
            streams.say(name if "/" in name else f"/usr/bin/{name}")
        else:
            code = 1
    return code


async def kind(shell: Shell, args: list[str], streams: Streams) -> int:
    """Tell what a name is as a command."""
    code = 0
    for name in args:
        if name in _OWN:
            streams.say(f"{name} is a shell builtin")
        elif shell.program(name) is not None:
            streams.say(f"{name} is /usr/bin/{name}")
        else:
            streams.complain(f"bash: line 1: type: {name}: not found")
            code = 1
    return code


def _starter(skip: Callable[[list[str]], int]) -> Program:
    """Make a command that runs another one; `skip` counts the words before that."""

    async def run(shell: Shell, args: list[str], streams: Streams) -> int:
        rest = args[skip(args) :]
        return await shell.execute(rest, streams) if rest else 0

    return run


def _options_of_sudo(args: list[str]) -> int:
    count = 0
    while count < len(args) and args[count].startswith("-"):
        count += 2 if args[count] in ("-u", "-g", "-p", "--user") else 1
    while count < len(args) and re.match(r"\w+=", args[count]):
        count += 1
    return count


def _flags_only(args: list[str]) -> int:
    return next((number for number, word in enumerate(args) if not word.startswith("-")), len(args))


def _with_number(args: list[str]) -> int:
    """Skip options and one value, as `timeout 5 command` and `nice -n 5 command` have them."""
    start = _flags_only(args)
    return start + 1 if start < len(args) and re.fullmatch(r"[0-9.]+[smhd]?", args[start]) else start


async def xargs(shell: Shell, args: list[str], streams: Streams) -> int:
    """Run a command with what comes in as arguments."""
    left, one_by_one, separator = list(args), "", None
    while left and left[0].startswith("-"):
        word = left.pop(0)
        separator = "\0" if word == "-0" else separator
        if word[:2] in ("-I", "-n"):
            one_by_one = word[2:] or (left.pop(0) if left else "")
    text = (await streams.read()).decode(errors="replace")
    items = [item for item in text.split(separator) if item]
    groups = [[item] for item in items] if one_by_one else [items]
    code = 0
    for group in groups if items or "-r" not in args else []:
        placed = [word.replace(one_by_one, group[0]) if one_by_one else word for word in left]
        words = placed if one_by_one and placed != left else [*left, *group]
        code = await shell.execute(words or ["echo"], streams) and 123
    return code


async def sleep(shell: Shell, args: list[str], streams: Streams) -> int:
    """Wait, by the clock of the simulator."""
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)([smhd]?)", args[0]) if args else None
    if match is None:
        streams.complain(f"sleep: invalid time interval '{args[0]}'" if args else "sleep: missing operand")
        return 1
    await shell.wait(float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]])
    return 0


async def wait(_shell: Shell, _args: list[str], _streams: Streams) -> int:
    """Let what runs in the background have its turn."""
    await asyncio.sleep(0)
    return 0


_OWN: dict[str, Program] = {
    ".": source, ":": true, "break": _leaver("break"), "cd": cd, "command": command, "continue": _leaver("continue"),
    "declare": local, "echo": echo, "eval": evaluate, "exec": _starter(_flags_only), "exit": leave, "export": export,
    "false": false, "local": local, "printf": printf, "pwd": pwd, "read": read, "readonly": local,
    "return": _leaver("return"), "set": set_options, "shift": shift, "source": source, "trap": true, "true": true,
    "type": kind, "umask": umask, "unset": unset, "wait": wait,
}  # fmt: skip
PROGRAMS: dict[str, Program] = {
    **_OWN, "bash": bash, "dash": bash, "env": environment, "ionice": _starter(_with_number),
    "nice": _starter(_with_number), "nohup": _starter(_flags_only), "printenv": environment, "sh": bash,
    "sleep": sleep, "stdbuf": _starter(_flags_only), "sudo": _starter(_options_of_sudo),
    "timeout": _starter(_with_number), "which": which, "xargs": xargs,
}  # fmt: skip
