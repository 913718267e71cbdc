"""The commands that make, move and remove files and folders."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Callable, Iterator

from simulator.ssh.file_tree import FileTree, owner_id, unused
from simulator.ssh.flags import misused, read_flags
from simulator.ssh.shell import Program, Shell, Streams

_PAIR = 2
_WHO = {"u": 0o700, "g": 0o070, "o": 0o007, "a": 0o777, "": 0o755}
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}


def each(streams: Streams, names: list[str], text: str, act: Callable[[str], None]) -> int:
    """Do something with each name; a refusal is printed after `text`, in which `{}` is the name."""
    code = 0
    for name in names:
        try:
            act(name)
        except OSError as error:
            streams.complain(f"{text.format(name)}: {error.strerror}")
            code = 1
    return code


async def cat(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print files, or what comes in."""
    flags = read_flags(args, "un")
    code = 0
    for name in flags.names or ["-"]:
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
    flags = read_flags(args, "ai")
    if flags.unknown:
        return misused(streams, "tee", flags)
    data = await streams.read()
    streams.out(data)

    def put(name: str) -> None:
        path = shell.place(name)
        before = shell.tree.read(path) if "a" in flags.letters and shell.tree.exists(path) else b""
        shell.tree.write(path, before + data)

    return each(streams, flags.names, "tee: {}", put)


async def mkdir(shell: Shell, args: list[str], streams: Streams) -> int:
    """Make folders; with -p those above them as well."""
    flags = read_flags(args, "pv", "m")
    if flags.unknown or not flags.names:
        return misused(streams, "mkdir", flags)
    mode = int(flags.value("m", "755"), 8) if re.fullmatch("[0-7]+", flags.value("m", "755")) else 0o755

    def make(name: str) -> None:
        path = shell.place(name)
        for folder in _with_parents(path) if "p" in flags.letters else [path]:
            if "p" not in flags.letters or not shell.tree.exists(folder) or not shell.tree.stat(folder).folder:
                shell.tree.make_folder(folder, (mode if folder == path else 0o755) & ~shell.umask)

    return each(streams, flags.names, "mkdir: cannot create directory '{}'", make)


def _with_parents(path: str) -> Iterator[str]:
    parts = [part for part in path.split("/") if part]
    return ("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))


async def rmdir(shell: Shell, args: list[str], streams: Streams) -> int:
    """Remove empty folders."""
    flags = read_flags(args, "pv")
    if flags.unknown or not flags.names:
        return misused(streams, "rmdir", flags)
    return each(
        streams, flags.names, "rmdir: failed to remove '{}'", lambda name: shell.tree.remove_folder(shell.place(name))
    )


async def rm(shell: Shell, args: list[str], streams: Streams) -> int:
    """Remove files; with -r folders and what is in them."""
    flags = read_flags(args, "rRfvdi")
    if flags.unknown or (not flags.names and "f" not in flags.letters):
        return misused(streams, "rm", flags)
    if "/" in [shell.place(name) for name in flags.names]:
        streams.complain("rm: it is dangerous to operate recursively on '/'")
        streams.complain("rm: use --no-preserve-root to override this failsafe")
        return 1

    def remove(name: str) -> None:
        path = shell.place(name)
        if "f" in flags.letters and not shell.tree.present(path):
            return
        if flags.letters & {"r", "R"} and shell.tree.lstat(path).folder:
            remove_all(shell.tree, path)
        else:
            shell.tree.remove(path)

    return each(streams, flags.names, "rm: cannot remove '{}'", remove)


def remove_all(tree: FileTree, path: str) -> None:
    """Remove a folder with all that is in it; what cannot be removed stays, and is told at the end."""
    refused: OSError | None = None
    for name in tree.list(path):
        inner = f"{path}/{name}"
        try:
            if tree.lstat(inner).folder:
                remove_all(tree, inner)
            else:
                tree.remove(inner)
        except OSError as error:
            refused = refused or error
    if refused is not None:
        raise refused
    if tree.present(path):
        tree.remove_folder(path)


def into(shell: Shell, name: str, target: str) -> str:
    """Return where a file goes: into a folder under its own name, or to the name that is given."""
    path = shell.place(target)
    folder = shell.tree.exists(path) and shell.tree.stat(path).folder
    return f"{path.rstrip('/')}/{posixpath.basename(name.rstrip('/'))}" if folder else path


async def mv(shell: Shell, args: list[str], streams: Streams) -> int:
    """Move files."""
    flags = read_flags(args, "fvnTbi", "t")
    names = flags.names + flags.values.get("t", [])
    if flags.unknown or len(names) < _PAIR:
        return misused(streams, "mv", flags)
    target = names[-1]

    def move(name: str) -> None:
        place = shell.place(target) if "T" in flags.letters else into(shell, name, target)
        if "n" not in flags.letters or not shell.tree.exists(place):
            shell.tree.rename(shell.place(name), place)

    return each(streams, names[:-1], f"mv: cannot move '{{}}' to '{_plain(target)}'", move)


def _plain(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


async def cp(shell: Shell, args: list[str], streams: Streams) -> int:
    """Copy files; with -r or -a folders and what is in them."""
    flags = read_flags(args, "fvparRTnLdu")
    if flags.unknown or len(flags.names) < _PAIR:
        return misused(streams, "cp", flags)
    code, deep = 0, bool(flags.letters & {"r", "R", "a"})
    for name in flags.names[:-1]:
        source, target = shell.place(name), into(shell, name, flags.names[-1])
        if shell.tree.exists(source) and shell.tree.stat(source).folder and not deep:
            streams.complain(f"cp: -r not specified; omitting directory '{name}'")
            code = 1
            continue
        if "n" in flags.letters and shell.tree.exists(target):
            continue
        text = f"cp: cannot stat '{name}'"
        if shell.tree.exists(source):
            text = f"cp: cannot create regular file '{flags.names[-1]}'"
        code |= each(streams, [name], _plain(text), functools.partial(_copy_to, shell.tree, source, target))
    return code


def _copy_to(tree: FileTree, source: str, target: str, _name: str) -> None:
    copy(tree, source, target)


def copy(tree: FileTree, source: str, target: str) -> None:
    """Copy a file with its permissions, or a folder with all that is in it."""
    entry = tree.stat(source)
    if not entry.folder:
        tree.write(target, tree.read(source), entry.mode)
        return
    if target.startswith(f"{source}/"):
        raise OSError(22, "Invalid argument", target)
    if not tree.exists(target):
        tree.make_folder(target, entry.mode)
    for name in tree.list(source):
        copy(tree, f"{source}/{name}", f"{target}/{name}")


async def link(shell: Shell, args: list[str], streams: Streams) -> int:
    """Make symbolic links."""
    flags = read_flags(args, "sfnrvT")
    if flags.unknown or not flags.names:
        return misused(streams, "ln", flags)
    if "s" not in flags.letters:
        streams.complain("ln: failed to create hard link: Operation not permitted")
        return 1
    target = flags.names[0]
    name = flags.names[1] if len(flags.names) > 1 else posixpath.basename(target)

    def make(_: str) -> None:
        place = shell.place(name) if flags.letters & {"n", "T"} else into(shell, target, name)
        if "f" in flags.letters and shell.tree.present(place):
            shell.tree.remove(place)
        shell.tree.make_link(place, target)

    return each(streams, [name], "ln: failed to create symbolic link '{}'", make)


async def touch(shell: Shell, args: list[str], streams: Streams) -> int:
    """Make files that are not there yet, and give the others the present time."""
    flags = read_flags(args, "amc", "dtr")
    if flags.unknown or not flags.names:
        return misused(streams, "touch", flags)

    def make(name: str) -> None:
        path = shell.place(name)
        if shell.tree.exists(path):
            shell.tree.touch(path)
        elif "c" not in flags.letters:
            shell.tree.write(path, b"", 0o666 & ~shell.umask)

    return each(streams, flags.names, "touch: cannot touch '{}'", make)


async def chmod(shell: Shell, args: list[str], streams: Streams) -> int:
    """Set the permissions of files, given as an octal number or as in `u+x`."""
    letters = [word for word in args if word in ("-R", "-f", "-v", "--recursive")]
    mode, *names = [word for word in args if word not in letters] or [""]
    if not names:
        return misused(streams, "chmod", read_flags([], ""))
    if not re.fullmatch(r"[0-7]{1,4}|[ugoa]*[-+=][rwxXst]*(,[ugoa]*[-+=][rwxXst]*)*", mode):
        streams.complain(f"chmod: invalid mode: '{mode}'")
        return 1

    def change(name: str) -> None:
        places = [shell.place(name)]
        places += below(shell.tree, places[0]) if letters else []
        for place in places:
            entry = shell.tree.stat(place)
            shell.tree.chmod(place, changed_mode(entry.mode, mode, folder=entry.folder))

    return each(streams, names, "chmod: cannot access '{}'", change)


def changed_mode(before: int, text: str, *, folder: bool) -> int:
    """Return permissions after a change such as `644` or `u+rw,go-w`."""
    if text.isdecimal():
        return int(text, 8)
    mode = before
    for who, operator, bits in re.findall(r"([ugoa]*)([-+=])([rwxXst]*)", text):
        mask = 0
        for letter in who or [""]:
            mask |= _WHO[letter] if who else 0o777
        wanted = 0
        for bit in bits:
            runs = bit == "x" or (bit == "X" and (folder or before & 0o111))
            wanted |= 0o111 if runs else _BITS.get(bit, 0)
        wanted &= mask
        mode = mode | wanted if operator == "+" else mode & ~(wanted if operator == "-" else mask)
        mode |= wanted if operator == "=" else 0
    return mode


def below(tree: FileTree, path: str) -> list[str]:
    """Return the paths of everything below a folder, folders before what is in them."""
    if not tree.stat(path).folder:
        return []
    found = []
    for name in tree.list(path):
        inner = f"{path.rstrip('/')}/{name}"
        found.append(inner)
        if tree.lstat(inner).folder:
            found += below(tree, inner)
    return found


async def chown(shell: Shell, args: list[str], streams: Streams) -> int:
    """Give files to a user and a group, by name or number."""
    letters = [word for word in args if word.startswith("-")]
    owner, *names = [word for word in args if word not in letters] or [""]
    if not names:
        return misused(streams, "chown", read_flags([], ""))
    user, _, group = owner.replace(".", ":").partition(":")
    ids = [owner_id(part) for part in (user, group)]
    if None in ids:
        word = "user" if ids[0] is None else "group"
        streams.complain(f"chown: invalid {word}: '{owner}'")
        return 1

    def change(name: str) -> None:
        places = [shell.place(name)]
        for place in places + (below(shell.tree, places[0]) if "-R" in letters else []):
            shell.tree.chown(place, ids[0] if user else None, ids[1] if group else None)

    return each(streams, names, "chown: cannot access '{}'", change)


async def chgrp(shell: Shell, args: list[str], streams: Streams) -> int:
    """Give files to a group."""
    words = [f":{word}" if number == 0 else word for number, word in enumerate(w for w in args if w[:1] != "-")]
    return await chown(shell, [*[word for word in args if word[:1] == "-"], *words], streams)


async def mktemp(shell: Shell, args: list[str], streams: Streams) -> int:
    """Make a file or folder with a name that is not taken."""
    flags = read_flags(args, "duqt", "p")
    template = flags.names[0] if flags.names else "tmp.XXXXXXXXXX"
    if "X" not in template:
        streams.complain(f"mktemp: too few X's in template '{template}'")
        return 1
    folder = flags.value("p") or ("/tmp" if not flags.names or "t" in flags.letters else "")  # noqa: S108 - simulated
    name = unused(shell.tree, shell.place(posixpath.join(folder, template)))
    try:
        if "d" in flags.letters:
            shell.tree.make_folder(shell.place(name), 0o700)
        else:
            shell.tree.write(shell.place(name), b"", 0o600)
    except OSError as error:
        streams.complain(f"mktemp: failed to create file via template '{template}': {error.strerror}")
        return 1
    streams.say(name)
    return 0


async def sync(_shell: Shell, _args: list[str], _streams: Streams) -> int:
    """Do nothing: what is written is on the disk."""
    return 0


PROGRAMS: dict[str, Program] = {
    "cat": cat, "chgrp": chgrp, "chmod": chmod, "chown": chown, "cp": cp, "ln": link, "mkdir": mkdir,
    "mktemp": mktemp, "mv": mv, "rm": rm, "rmdir": rmdir, "sync": sync, "tee": tee, "touch": touch,
}  # fmt: skip
