"""The commands that work on the file tree, and the few others that every script uses."""

from __future__ import annotations

import datetime
import hashlib
import posixpath
import stat
from collections.abc import Iterator

from simulator.ssh.file_tree import HOME, Entry, FileTree
from simulator.ssh.shell import MISUSE, Exit, Program, Shell, Streams

_HASHES = {f"{name}sum": name for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")}
_PART = 1 << 20


def _options(args: list[str], known: str) -> tuple[set[str], list[str], str]:
    """Split arguments into one-letter options and names; the third is an option that is not known."""
    letters: set[str] = set()
    while args and args[0].startswith("-") and args[0] != "-":
        option, args = args[0], args[1:]
        if option == "--":
            break
        names = {"--parents": "p", "--recursive": "r", "--force": "f", "--all": "a"}.get(option, option[1:])
        unknown = next((letter for letter in names if letter not in known), "")
        if unknown:
            return letters, args, unknown
        letters |= set(names)
    return letters, args, ""


def _unknown(streams: Streams, name: str, letter: str) -> int:
    streams.complain(f"{name}: invalid option -- '{letter}'")
    return MISUSE if name == "ls" else 1


def _missing(streams: Streams, name: str) -> int:
    streams.complain(f"{name}: missing operand\nTry '{name} --help' for more information.")
    return 1


async def cat(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print files, or what comes in."""
    code = 0
    for name in args or ["-"]:
        try:
            data = await streams.read() if name == "-" else shell.tree.read(shell.place(name))
        except OSError as error:
            streams.complain(f"cat: {name}: {error.strerror}")
            code = 1
        else:
            streams.out(data)
    return code


async def tee(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print what comes in, and write it to files."""
    letters, names, unknown = _options(args, "a")
    if unknown:
        return _unknown(streams, "tee", unknown)
    data, code = await streams.read(), 0
    streams.out(data)
    for name in names:
        path = shell.place(name)
        try:
            before = shell.tree.read(path) if "a" in letters and shell.tree.exists(path) else b""
            shell.tree.write(path, before + data)
        except OSError as error:
            streams.complain(f"tee: {name}: {error.strerror}")
            code = 1
    return code


async def mkdir(shell: Shell, args: list[str], streams: Streams) -> int:
    """Make folders; with -p those above them as well."""
    letters, names, unknown = _options(args, "pv")
    if unknown or not names:
        return _unknown(streams, "mkdir", unknown) if unknown else _missing(streams, "mkdir")
    code = 0
    for name in names:
        path = shell.place(name)
        try:
            for folder in _with_parents(path) if "p" in letters else [path]:
                if "p" not in letters or not shell.tree.exists(folder) or not shell.tree.stat(folder).folder:
                    shell.tree.make_folder(folder)
        except OSError as error:
            streams.complain(f"mkdir: cannot create directory '{name}': {error.strerror}")
            code = 1
    return code


def _with_parents(path: str) -> Iterator[str]:
    parts = [part for part in path.split("/") if part]
    return ("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))


async def rmdir(shell: Shell, args: list[str], streams: Streams) -> int:
    """Remove empty folders."""
    code = 0 if args else _missing(streams, "rmdir")
    for name in args:
        try:
            shell.tree.remove_folder(shell.place(name))
        except OSError as error:
            streams.complain(f"rmdir: failed to remove '{name}': {error.strerror}")
            code = 1
    return code


async def rm(shell: Shell, args: list[str], streams: Streams) -> int:
    """Remove files; with -r folders and what is in them."""
    letters, names, unknown = _options(args, "rRfvd")
    if unknown or (not names and "f" not in letters):
        return _unknown(streams, "rm", unknown) if unknown else _missing(streams, "rm")
    code = 0
    for name in names:
        path = shell.place(name)
        try:
            if "f" in letters and not shell.tree.exists(path):
                continue
            if path == "/":
                streams.complain("rm: it is dangerous to operate recursively on '/'")
                code = 1
            elif letters & {"r", "R"} and shell.tree.stat(path).folder:
                _remove_all(shell.tree, path)
            else:
                shell.tree.remove(path)
        except OSError as error:
            streams.complain(f"rm: cannot remove '{name}': {error.strerror}")
            code = 1
    return code


def _remove_all(tree: FileTree, path: str) -> None:
    for name in tree.list(path):
        inner = f"{path}/{name}"
        if tree.stat(inner).folder:
            _remove_all(tree, inner)
        else:
            tree.remove(inner)
    if tree.exists(path):
        tree.remove_folder(path)


async def mv(shell: Shell, args: list[str], streams: Streams) -> int:
    """Move files."""
    _, names, unknown = _options(args, "fvn")
    if unknown or len(names) < 2:  # noqa: PLR2004 - from and to
        return _unknown(streams, "mv", unknown) if unknown else _missing(streams, "mv")
    code = 0
    for name in names[:-1]:
        try:
            shell.tree.rename(shell.place(name), _into(shell, name, names[-1]))
        except OSError as error:
            streams.complain(f"mv: cannot move '{name}' to '{names[-1]}': {error.strerror}")
            code = 1
    return code


def _into(shell: Shell, name: str, target: str) -> str:
    """Return where a file goes: into a folder under its own name, or to the name that is given."""
    path = shell.place(target)
    folder = shell.tree.exists(path) and shell.tree.stat(path).folder
    return f"{path}/{posixpath.basename(name)}" if folder else path


async def cp(shell: Shell, args: list[str], streams: Streams) -> int:
    """Copy files."""
    _, names, unknown = _options(args, "fvpa")
    if unknown or len(names) < 2:  # noqa: PLR2004 - from and to
        return _unknown(streams, "cp", unknown) if unknown else _missing(streams, "cp")
    code = 0
    for name in names[:-1]:
        try:
            source = shell.place(name)
            shell.tree.write(_into(shell, name, names[-1]), shell.tree.read(source))
        except OSError as error:
            streams.complain(f"cp: cannot copy '{name}' to '{names[-1]}': {error.strerror}")
            code = 1
    return code


async def touch(shell: Shell, args: list[str], streams: Streams) -> int:
    """Make files that are not there yet."""
    code = 0 if args else _missing(streams, "touch")
    for name in args:
        try:
            if not shell.tree.exists(shell.place(name)):
                shell.tree.write(shell.place(name), b"")
        except OSError as error:
            streams.complain(f"touch: cannot touch '{name}': {error.strerror}")
            code = 1
    return code


async def chmod(shell: Shell, args: list[str], streams: Streams) -> int:
    """Set the permissions of files, given as an octal number."""
    if len(args) < 2:  # noqa: PLR2004 - mode and file
        return _missing(streams, "chmod")
    if not args[0].isdigit() or set(args[0]) & {"8", "9"}:
        streams.complain(f"chmod: invalid mode: '{args[0]}'")
        return 1
    code = 0
    for name in args[1:]:
        try:
            shell.tree.chmod(shell.place(name), int(args[0], 8))
        except OSError as error:
            streams.complain(f"chmod: cannot access '{name}': {error.strerror}")
            code = 1
    return code


def hash_program(name: str) -> Program:
    """Make one of the commands that print checksums."""

    async def run(shell: Shell, args: list[str], streams: Streams) -> int:
        code = 0
        for file in args or ["-"]:
            try:
                if file == "-":
                    checksum = _checksum(_HASHES[name], iter([await streams.read()]))
                else:
                    place = shell.place(file)
                    known = shell.tree.known_checksum(place, _HASHES[name])
                    checksum = known or _checksum(_HASHES[name], _parts(shell.tree, place))
            except OSError as error:
                streams.complain(f"{name}: {file}: {error.strerror}")
                code = 1
            else:
                streams.say(f"{checksum}  {file}")
        return code

    return run


def _checksum(algorithm: str, parts: Iterator[bytes]) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _parts(tree: FileTree, path: str) -> Iterator[bytes]:
    size = tree.stat(path).size
    for offset in range(0, max(size, 1), _PART):
        yield tree.read(path, offset, _PART)


async def ls(shell: Shell, args: list[str], streams: Streams) -> int:
    """List folders, one name a line."""
    letters, names, unknown = _options(args, "la1Ad")
    if unknown:
        return _unknown(streams, "ls", unknown)
    code = 0
    for name in names or ["."]:
        path = shell.place(name)
        try:
            entry = shell.tree.stat(path)
            single = not entry.folder or "d" in letters
            rows = [(name, path)] if single else [(n, f"{path}/{n}") for n in shell.tree.list(path)]
        except OSError as error:
            streams.complain(f"ls: cannot access '{name}': {error.strerror}")
            code = 2
            continue
        if len(names) > 1 and not single:
            streams.say(f"{name}:")
        for shown, place in rows:
            if single or letters & {"a", "A"} or not shown.startswith("."):
                streams.say(_long(shown, shell.tree.stat(place)) if "l" in letters else shown)
    return code


def _long(name: str, entry: Entry) -> str:
    mode = stat.filemode((stat.S_IFDIR if entry.folder else stat.S_IFREG) | entry.mode)
    moment = datetime.datetime.fromtimestamp(entry.changed, datetime.UTC)
    return f"{mode} 1 root root {entry.size:>8} {moment:%b %e %H:%M} {name}"


async def echo(_shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the arguments."""
    newline = args[:1] != ["-n"]
    words = args if newline else args[1:]
    streams.out((" ".join(words) + ("\n" if newline else "")).encode())
    return 0


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
    name = args[0] if args else HOME
    try:
        if not shell.tree.stat(shell.place(name)).folder:
            streams.complain(f"bash: line 1: cd: {name}: Not a directory")
            return 1
    except OSError as error:
        streams.complain(f"bash: line 1: cd: {name}: {error.strerror}")
        return 1
    shell.folder = shell.place(name)
    return 0


async def leave(shell: Shell, args: list[str], _streams: Streams) -> int:
    """End the shell."""
    raise Exit(int(args[0]) & 0xFF if args and args[0].isdigit() else shell.status)


async def whoami(_shell: Shell, _args: list[str], streams: Streams) -> int:
    """Print who one is."""
    streams.say("root")
    return 0


async def bash(shell: Shell, args: list[str], streams: Streams) -> int:
    """Run a command line, a script, or what comes in, in a shell of its own."""
    if args[:1] and args[0] in {"-c", "-lc", "-ec"}:
        text = args[1] if len(args) > 1 else ""
    elif args and args[0] not in {"-s", "-"}:
        try:
            text = shell.tree.read(shell.place(args[0])).decode(errors="replace")
        except OSError as error:
            streams.complain(f"bash: {args[0]}: {error.strerror}")
            return 127
    else:
        text = (await streams.read()).decode(errors="replace")
    if shell.depth > 8:  # noqa: PLR2004 - a script that starts itself
        streams.complain("bash: fork: retry: Resource temporarily unavailable")
        return 254
    try:
        return await shell.child().run(text, streams)
    except Exit as ended:
        return ended.code


async def command(shell: Shell, args: list[str], streams: Streams) -> int:
    """Tell whether there is a command (`command -v`)."""
    found = [name for name in args[1:] if name in shell.programs]
    for name in found:
        streams.say(f"/usr/bin/{name}")
    return 0 if args[:1] == ["-v"] and found else 1


PROGRAMS: dict[str, Program] = {
    "bash": bash, "cat": cat, "cd": cd, "chmod": chmod, "command": command, "cp": cp, "echo": echo, "exit": leave,
    "false": false, "ls": ls, "mkdir": mkdir, "mv": mv, "pwd": pwd, "rm": rm, "rmdir": rmdir,
    "sh": bash, "tee": tee, "touch": touch, "true": true, ":": true, "whoami": whoami,
    **{name: hash_program(name) for name in _HASHES},
}  # fmt: skip
