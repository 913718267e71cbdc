"""The commands that go through text: a part of it, what fits a pattern, sorted, counted, replaced."""

from __future__ import annotations

import base64 as encoding
import functools
import re
from collections.abc import Callable, Iterator

from simulator.ssh.flags import Flags, misused, number, read_flags
from simulator.ssh.shell import MISUSE, Program, Shell, Streams

_MOST = 1 << 20
"""How many numbers are printed at the most."""
Run = Callable[[Flags, bytes, Streams], int]


async def contents(shell: Shell, name: str, names: list[str], streams: Streams) -> Iterator[tuple[str, bytes | None]]:
    """Return the names with what is in the files, or None for one that cannot be read, which is said."""
    found: list[tuple[str, bytes | None]] = []
    for file in names or ["-"]:
        try:
            found.append((file, await streams.read() if file == "-" else shell.tree.read(shell.place(file))))
        except OSError as error:
            streams.complain(f"{name}: {file}: {error.strerror}")
            found.append((file, None))
    return iter(found)


def lines(data: bytes) -> list[bytes]:
    """Return the lines of a file, each with its end."""
    return data.splitlines(keepends=True)


def _tool(name: str, flags: str, valued: str, work: Run) -> Program:
    """Make a tool that works on all its files as if they were one."""

    async def run(shell: Shell, args: list[str], streams: Streams) -> int:
        given = read_flags(args, flags, valued)
        if given.unknown:
            return misused(streams, name, given, MISUSE if name == "sort" else 1)
        found = list(await contents(shell, name, given.names, streams))
        code = work(given, b"".join(data for _, data in found if data is not None), streams)
        return code or int(any(data is None for _, data in found))

    return run


def _end_tool(name: str) -> Program:
    """Make `head` or `tail`."""

    async def run(shell: Shell, args: list[str], streams: Streams) -> int:
        if args and re.fullmatch(r"-[0-9]+", args[0]):
            args = [f"-n{args[0][1:]}", *args[1:]]
        given = read_flags(args, "qvfF", "nc")
        if given.unknown:
            return misused(streams, name, given)
        amount = given.value("c") or given.value("n") or "10"
        if not re.fullmatch(r"[-+]?[0-9]+", amount):
            streams.complain(f"{name}: invalid number of lines: '{amount}'")
            return 1
        found, code = list(await contents(shell, name, given.names, streams)), 0
        for place, (file, data) in enumerate(found):
            if data is None:
                code = 1
                continue
            if len(found) > 1 and "q" not in given.letters:
                streams.out((b"\n" if place else b"") + f"==> {file} <==\n".encode())
            parts = [data[i : i + 1] for i in range(len(data))] if "c" in given.values else lines(data)
            streams.out(b"".join(_ends(name, parts, amount)))
        return code

    return run


def _ends(name: str, parts: list[bytes], amount: str) -> list[bytes]:
    count = int(amount.lstrip("+-"))
    if name == "head":
        return parts[:-count] if amount.startswith("-") and count else parts[:count]
    if amount.startswith("+"):
        return parts[max(count - 1, 0) :]
    return parts[-count:] if count else []


async def grep(shell: Shell, args: list[str], streams: Streams) -> int:
    """Print the lines that fit a pattern."""
    given = read_flags(args, "ivEFPGqsncolLhHrRwxz", "eAmB", long={"count": "c", "invert-match": "v", "quiet": "q"})
    if given.unknown:
        return misused(streams, "grep", given, MISUSE)
    names = list(given.names)
    patterns = given.values.get("e") or ([names.pop(0)] if names else [])
    if not patterns:
        streams.complain("Usage: grep [OPTION]... PATTERNS [FILE]...")
        return MISUSE
    try:
        fits = _matcher(given, "\n".join(patterns).split("\n"))
    except re.error as error:
        streams.complain(f"grep: {error.msg}")
        return MISUSE
    found, code, known = list(await contents(shell, "grep", names, streams)), 1, False
    several = (len(found) > 1 and "h" not in given.letters) or "H" in given.letters
    for file, data in found:
        known = known or data is None
        code = 0 if _grep_file(given, fits, (f"{file}:" if several else "", file), data or b"", streams) else code
    return MISUSE if known and code else code


async def _extended_grep(shell: Shell, args: list[str], streams: Streams) -> int:
    return await grep(shell, ["-E", *args], streams)


def _matcher(given: Flags, patterns: list[str]) -> Callable[[str], re.Match[str] | None]:
    wanted = [re.escape(p) if "F" in given.letters else regular(p, given.letters & {"E", "P"}) for p in patterns]
    text = "|".join(f"(?:{p})" for p in wanted)
    text = rf"\b(?:{text})\b" if "w" in given.letters else text
    pattern = re.compile(text, re.IGNORECASE if "i" in given.letters else 0)
    return pattern.fullmatch if "x" in given.letters else pattern.search


def _grep_file(
    given: Flags, fits: Callable[[str], re.Match[str] | None], label: tuple[str, str], data: bytes, streams: Streams
) -> bool:
    """Print what fits in one file; tell whether anything did."""
    prefix, file = label
    count, most = 0, number(given.value("m", "0"), "max count")
    for place, line in enumerate(lines(data), 1):
        text = line.decode(errors="surrogateescape").rstrip("\n")
        match = fits(text)
        if (match is None) != ("v" in given.letters) or (most and count >= most):
            continue
        count += 1
        if not given.letters & {"q", "c", "l", "L"}:
            shown = f"{place}:" if "n" in given.letters else ""
            streams.say(f"{prefix}{shown}{match[0] if match and 'o' in given.letters else text}")
    if "c" in given.letters:
        streams.say(f"{prefix}{count}")
    if "l" in given.letters and count:
        streams.say(file)
    return count > 0


_CLASSES = {
    "[:space:]": r"\s", "[:digit:]": "0-9", "[:alpha:]": "A-Za-z", "[:alnum:]": "A-Za-z0-9", "[:upper:]": "A-Z",
    "[:lower:]": "a-z", "[:blank:]": " \t", "[:punct:]": r"!-/:-@\[-`{-~", "[:xdigit:]": "0-9A-Fa-f",
}  # fmt: skip


def regular(pattern: str, extended: object) -> str:
    """Return a POSIX pattern as one of Python's: without `-E` the backslash makes brackets and `+` special."""
    for name, meant in _CLASSES.items():
        pattern = pattern.replace(name, meant)
    pattern = pattern.replace(r"\<", r"\b").replace(r"\>", r"\b")
    if extended:
        return pattern
    pattern = re.sub(r"^\*", r"\\*", pattern)
    return re.sub(r"\\([(){}|+?])|([(){}|+?])", lambda match: match[1] or f"\\{match[2]}", pattern)


def _wc(given: Flags, data: bytes, streams: Streams) -> int:
    counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data), "m": len(data.decode(errors="replace"))}
    shown = [str(counts[letter]) for letter in "lwmc" if letter in (given.letters or {"l", "w", "c"})]
    names = " ".join(given.names)
    streams.say(" ".join(shown) + (f" {names}" if names else ""))
    return 0


def _sort(given: Flags, data: bytes, streams: Streams) -> int:
    rows = [line.rstrip(b"\n").decode(errors="surrogateescape") for line in lines(data)]
    letters, column = given.letters, given.value("k")
    separator = given.value("t") or None

    def key(row: str) -> tuple[float, list[object], str]:
        text = row
        if column:
            parts, place = row.split(separator), number(re.sub(r"\D.*", "", column) or "1") - 1
            text = parts[place] if place < len(parts) else ""
        numeric = re.match(r"\s*-?[0-9]*\.?[0-9]+", text) if "n" in letters or "n" in column else None
        version = [int(p) if p.isdecimal() else p for p in re.split(r"(\d+)", text)] if "V" in letters else []
        return float(numeric[0]) if numeric else 0.0, version, text.lower() if "f" in letters else text

    rows.sort(key=key, reverse="r" in letters or "r" in column)
    if "u" in letters:
        rows = list(dict.fromkeys(rows))
    for row in rows:
        streams.say(row)
    return 0


def _uniq(given: Flags, data: bytes, streams: Streams) -> int:
    groups: list[tuple[bytes, int]] = []
    for line in lines(data):
        if groups and groups[-1][0].rstrip(b"\n") == line.rstrip(b"\n"):
            groups[-1] = (line, groups[-1][1] + 1)
        else:
            groups.append((line, 1))
    for line, count in groups:
        if ("d" in given.letters and count < 2) or ("u" in given.letters and count > 1):  # noqa: PLR2004 - twice
            continue
        streams.out((f"{count:>7} ".encode() if "c" in given.letters else b"") + line.rstrip(b"\n") + b"\n")
    return 0


def _chosen(text: str, count: int) -> list[int]:
    """Return the places that a list such as `1,3-5,7-` names, of so many."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin = int(first or 1) if (first or "1").isdecimal() else 1
        end = int(last) if last.isdecimal() else (count if dash else begin)
        found += range(begin, min(end, count) + 1)
    return sorted(set(found))


def _cut(given: Flags, data: bytes, streams: Streams) -> int:
    delimiter, wanted = given.value("d", "\t"), given.value("f") or given.value("c") or given.value("b")
    if not wanted:
        streams.complain("cut: you must specify a list of bytes, characters, or fields")
        return 1
    for line in lines(data):
        text = line.decode(errors="surrogateescape").rstrip("\n")
        if "f" not in given.values:
            streams.say("".join(text[place - 1] for place in _chosen(wanted, len(text))))
        elif delimiter not in text:
            if "s" not in given.letters:
                streams.say(text)
        else:
            parts = text.split(delimiter)
            streams.say(delimiter.join(parts[place - 1] for place in _chosen(wanted, len(parts))))
    return 0


async def tr(_shell: Shell, args: list[str], streams: Streams) -> int:
    """Replace characters, or remove them."""
    given = read_flags(args, "dscC")
    if given.unknown or not given.names:
        return misused(streams, "tr", given)
    first = _characters(given.names[0])
    text = (await streams.read()).decode(errors="surrogateescape")
    is_in = functools.partial(_belongs, first, other="c" in given.letters or "C" in given.letters)
    if "d" in given.letters:
        text = "".join(character for character in text if not is_in(character))
    elif len(given.names) > 1:
        second = _characters(given.names[1])
        table = {a: second[min(n, len(second) - 1)] for n, a in enumerate(first)} if second else {}
        text = "".join(second[-1] if is_in(c) and c not in table else table.get(c, c) for c in text)
    if "s" in given.letters:
        kept = _characters(given.names[-1])
        text = re.sub(r"(.)\1+", lambda m: m[1] if m[1] in kept else m[0], text, flags=re.DOTALL)
    streams.out(text.encode(errors="surrogateescape"))
    return 0


def _belongs(known: str, character: str, *, other: bool) -> bool:
    return (character in known) != other


def _characters(text: str) -> str:
    for name, meant in {**_CLASSES, "[:space:]": " \t\n\r\v\f"}.items():
        text = text.replace(name, meant)
    text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0").replace("\\r", "\r")
    return re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text, flags=re.DOTALL)


def _base64(given: Flags, data: bytes, streams: Streams) -> int:
    if "d" in given.letters:
        try:
            streams.out(encoding.b64decode(b"".join(data.split()), validate=True))
        except ValueError:
            streams.complain("base64: invalid input")
            return 1
        return 0
    text, width = encoding.b64encode(data).decode(), number(given.value("w", "76"), "wrap size")
    rows = [text[i : i + width] for i in range(0, len(text), width)] if width else [text]
    streams.out(("\n".join(rows) + ("\n" if width and rows else "")).encode())
    return 0


async def seq(_shell: Shell, args: list[str], streams: Streams) -> int:
    """Print numbers."""
    numbers = [int(word) for word in args if re.fullmatch(r"-?[0-9]+", word)]
    if not numbers or len(numbers) != len(args):
        streams.complain("seq: invalid argument")
        return 1
    first, *middle, last = numbers if len(numbers) > 1 else [1, *numbers]
    for count in range(first, min(last, first + _MOST) + 1, max([1, *middle])):
        streams.say(str(count))
    return 0


PROGRAMS: dict[str, Program] = {
    "base64": _tool("base64", "di", "w", _base64), "cut": _tool("cut", "sn", "dfcb", _cut), "grep": grep,
    "egrep": _extended_grep, "head": _end_tool("head"), "seq": seq, "sort": _tool("sort", "nrufVbh", "kt", _sort),
    "tail": _end_tool("tail"), "tr": tr, "uniq": _tool("uniq", "cdu", "", _uniq), "wc": _tool("wc", "lwcm", "", _wc),
}  # fmt: skip
