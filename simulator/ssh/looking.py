"""The commands that look at files and folders without changing them."""

from __future__ import annotations

import datetime
import fnmatch
import hashlib
import posixpath
import stat
from collections.abc import Iterator

from simulator.ssh.file_tree import Entry, FileTree, owner_name
from simulator.ssh.files import below, each, remove_all
from simulator.ssh.flags import misused, number, read_flags
from simulator.ssh.shell import MISUSE, Program, Shell, Streams

_HASHES = {f"{name}sum": name for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")}
_PART = 1 << 20


def hash_program(name: str) -> Program:
    """Make one of the commands that print checksums, or check those that were printed (`-c`)."""

    async def run(shell: Shell, args: list[str], streams: Streams) -> int:
        flags = read_flags(args, "cbtwq", long={"check": "c", "status": "q", "quiet": "q"})
        if "c" in flags.letters:
            return await _check(shell, name, flags.names, streams, quiet="q" in flags.letters)
        code = 0
        for file in flags.names or ["-"]:
            try:
                digest = _digest(name, iter([await streams.read()])) if file == "-" else _of_file(shell, name, file)
                streams.say(f"{digest}  {file}")
            except OSError as error:
                streams.complain(f"{name}: {file}: {error.strerror}")
                code = 1
        return code

    return run


def _digest(name: str, parts: Iterator[bytes]) -> str:
    digest = hashlib.new(_HASHES[name], usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _of_file(shell: Shell, name: str, file: str) -> str:
    path = shell.place(file)
    return shell.tree.known_checksum(path, _HASHES[name]) or _digest(name, _parts(shell.tree, path))


async def _check(shell: Shell, name: str, names: list[str], streams: Streams, *, quiet: bool) -> int:
    text = (shell.tree.read(shell.place(names[0])) if names and names[0] != "-" else await streams.read()).decode()
    wrong = 0
    for line in text.splitlines():
        wanted, _, file = line.partition(" ")
        file = file.lstrip(" *")
        try:
            same = _of_file(shell, name, file) == wanted.lower()
        except OSError as error:
            streams.complain(f"{name}: {file}: {error.strerror}")
            same = False
        wrong += not same
        if not quiet:
            streams.say(f"{file}: {'OK' if same else 'FAILED'}")
    if wrong and not quiet:
        streams.complain(f"{name}: WARNING: {wrong} computed checksum{'s' * (wrong > 1)} did NOT match")
    return 1 if wrong else 0


def _parts(tree: FileTree, path: str) -> Iterator[bytes]:
    size = tree.stat(path).size
    for offset in range(0, max(size, 1), _PART):
        yield tree.read(path, offset, _PART)


async def ls(shell: Shell, args: list[str], streams: Streams) -> int:
    """List folders, one name a line."""
    flags = read_flags(args, "la1AdhRtrnLFS")
    if flags.unknown:
        return misused(streams, "ls", flags, MISUSE)
    code, letters = 0, flags.letters
    for name in flags.names or ["."]:
        path = shell.place(name)
        try:
            entry = shell.tree.stat(path)
            single = not entry.folder or "d" in letters
            rows = [(name, path)] if single else [(n, f"{path.rstrip('/')}/{n}") for n in shell.tree.list(path)]
        except OSError as error:
            streams.complain(f"ls: cannot access '{name}': {error.strerror}")
            code = MISUSE
            continue
        if "a" in letters and not single:
            rows = [(".", path), ("..", posixpath.dirname(path)), *rows]
        if len(flags.names) > 1 and not single:
            streams.say(f"{name}:")
        for shown, place in rows:
            if single or letters & {"a", "A"} or not shown.startswith("."):
                streams.say(_long(shell.tree, shown, place) if "l" in letters else shown)
    return code


def kind_bits(entry: Entry) -> int:
    """Return what an entry is, as the bits of a mode."""
    return stat.S_IFLNK if entry.target is not None else stat.S_IFDIR if entry.folder else stat.S_IFREG


def _long(tree: FileTree, name: str, path: str) -> str:
    entry = tree.lstat(path)
    mode = stat.filemode(kind_bits(entry) | entry.mode)
    moment = datetime.datetime.fromtimestamp(entry.changed, datetime.UTC)
    target = f" -> {entry.target}" if entry.target is not None else ""
    user, group = owner_name(entry.uid), owner_name(entry.gid)
    return f"{mode} 1 {user} {group} {entry.size:>8} {moment:%b %e %H:%M} {name}{target}"


async def show_stat(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print what is known of files, in a form of one's own with `-c`."""
    flags = read_flags(args, "Lft", "c", long={"printf": "c"})
    if flags.unknown or not flags.names:
        return misused(streams, "stat", flags)

    def show(name: str) -> None:
        path = shell.place(name)
        entry = shell.tree.stat(path) if "L" in flags.letters else shell.tree.lstat(path)
        if "c" in flags.values:
            streams.say(_formatted(flags.value("c"), name, entry))
        else:
            streams.say(_formatted(_STAT, name, entry))

    return each(streams, flags.names, "stat: cannot statx '{}'", show)


_STAT = """  File: %n
  Size: %s\tBlocks: %b\tIO Block: 4096   %F
Access: (0%a/%A)  Uid: (%u/%U)   Gid: (%g/%G)
Modify: %y"""


def _formatted(form: str, name: str, entry: Entry) -> str:
    moment = datetime.datetime.fromtimestamp(entry.changed, datetime.UTC)
    word = "symbolic link" if entry.target is not None else "directory" if entry.folder else "regular file"
    values = {
        "n": name, "s": str(entry.size), "a": f"{entry.mode:o}", "A": stat.filemode(kind_bits(entry) | entry.mode),
        "u": str(entry.uid), "g": str(entry.gid), "U": owner_name(entry.uid), "G": owner_name(entry.gid),
        "Y": str(int(entry.changed)), "Z": str(int(entry.changed)), "X": str(int(entry.changed)),
        "y": f"{moment:%Y-%m-%d %H:%M:%S}.000000000 +0000", "b": str((entry.size + 511) // 512), "h": "1",
        "F": "regular empty file" if word == "regular file" and not entry.size else word,
        "N": f"'{name}' -> '{entry.target}'" if entry.target is not None else f"'{name}'",
        "f": f"{kind_bits(entry) | entry.mode:x}", "i": "1", "d": "1", "%": "%",
    }  # fmt: skip
    parts = form.split("%")
    text, rest = parts[0], parts[1:]
    while rest:
        part = rest.pop(0)
        if not part and rest:
            text += "%" + rest.pop(0)
        else:
            text += values.get(part[:1], "?") + part[1:]
    return text


async def readlink(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print where a link leads; with -f the one true path."""
    flags = read_flags(args, "femnqsz", long={"canonicalize-existing": "e", "canonicalize-missing": "m"})
    code = 0
    for name in flags.names:
        try:
            path = shell.place(name)
            if flags.letters & {"f", "e", "m"}:
                found = shell.tree.resolve(path)
                if "e" in flags.letters:
                    shell.tree.stat(found)
            else:
                target = shell.tree.lstat(path).target
                if target is None:
                    code = 1
                    continue
                found = target
            streams.out((found if "n" in flags.letters else f"{found}\n").encode())
        except OSError:
            code = 1
    return code


async def realpath(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the one true path of files."""
    return await readlink(shell, ["-f", *args], streams)


async def find(shell: Shell, args: list[str], streams: Streams) -> int:
    """Find files below folders, by name, type and depth; print or delete them."""
    roots = []
    while args and not args[0].startswith(("-", "!", "(")):
        roots.append(args[0])
        args = args[1:]
    tests, actions, problem = _find_tests(args)
    if problem:
        streams.complain(f"find: unknown predicate `{problem}'")
        return 1

    def walk(root: str) -> None:
        place = shell.place(root)
        shell.tree.stat(place)
        for path in [place, *below(shell.tree, place)]:
            depth = path.removeprefix(place).count("/") if path != place else 0
            shown = root + path.removeprefix(place)
            if _fits(shell.tree, path, depth, tests):
                if "delete" in actions:
                    remove_all(shell.tree, path) if shell.tree.lstat(path).folder else shell.tree.remove(path)
                else:
                    streams.out(f"{shown}\0".encode() if "print0" in actions else f"{shown}\n".encode())

    return each(streams, roots or ["."], "find: '{}'", walk)


def _find_tests(args: list[str]) -> tuple[dict[str, str], set[str], str]:
    tests, actions, left = dict[str, str](), set[str](), list(args)
    while left:
        word = left.pop(0).lstrip("-")
        if word in ("name", "iname", "path", "type", "maxdepth", "mindepth") and left:
            tests[word] = left.pop(0)
        elif word in ("print", "print0", "delete"):
            actions.add(word)
        else:
            return tests, actions, f"-{word}"
    return tests, actions, ""


def _fits(tree: FileTree, path: str, depth: int, tests: dict[str, str]) -> bool:
    entry, name = tree.lstat(path), posixpath.basename(path)
    kind = "l" if entry.target is not None else "d" if entry.folder else "f"
    return (
        tests.get("type", kind) == kind
        and fnmatch.fnmatchcase(name, tests.get("name", "*"))
        and fnmatch.fnmatchcase(name.lower(), tests.get("iname", "*").lower())
        and fnmatch.fnmatchcase(path, tests.get("path", "*"))
        and depth <= number(tests.get("maxdepth", "1000"))
        and depth >= number(tests.get("mindepth", "0"))
    )


async def dirname(_shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the folder in a path."""
    for name in args:
        streams.say(posixpath.dirname(name.rstrip("/")) or ("/" if name.startswith("/") else "."))
    return 0 if args else misused(streams, "dirname", read_flags([], ""))


async def basename(_shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the last name in a path, without an ending that is given."""
    if not args:
        return misused(streams, "basename", read_flags([], ""))
    name = posixpath.basename(args[0].rstrip("/")) or "/"
    ending = args[1] if len(args) > 1 else ""
    streams.say(name.removesuffix(ending) if name != ending else name)
    return 0


PROGRAMS: dict[str, Program] = {
    "basename": basename, "dirname": dirname, "find": find, "ls": ls, "readlink": readlink, "realpath": realpath,
    "stat": show_stat, **{name: hash_program(name) for name in _HASHES},
}  # fmt: skip
