"""What the words of a command stand for: parameters, the output of commands, sums, and the names of files."""

from __future__ import annotations

import ast
import fnmatch
import operator
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from simulator.ssh.file_tree import HOME
from simulator.ssh.lexer import Lexer, Piece, Word, expandable

if TYPE_CHECKING:
    from simulator.ssh.shell import Shell
    from simulator.ssh.streams import Streams

_PATTERN = re.compile(r"[*?\[]")
_PARAMETER = re.compile(r"(?P<length>#(?=.))?(?P<name>[?#$!@*0-9-]|\w+)(?:(?P<op>:?[-=+?]|##?|%%?)(?P<word>.*))?", re.DOTALL)  # fmt: skip  # noqa: E501 - one pattern
_SUMS: dict[type[ast.AST], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


class ExpansionError(Exception):
    """A word cannot be expanded; the text is the shell's own."""


_ALL = Piece("@", "parameter", quoted=True)
"""`"$@"`: no word at all where there are no arguments."""


async def fields(shell: Shell, word: Word, streams: Streams) -> list[str]:
    """Return the words that a word stands for: what is not quoted is split, and a pattern stands for files."""
    if not shell.arguments and _ALL in word and not any(piece.text for piece in word if piece != _ALL):
        return []
    found: list[tuple[str, str]] = []
    is_open = False
    for piece in _with_home(word):
        parts, joined = await _parts(shell, piece, streams)
        for number, part in enumerate(parts):
            pattern = _literal(part) if piece.quoted else part
            if is_open and (number > 0 or joined[0]):
                is_open = False
            if is_open:
                found[-1] = (found[-1][0] + part, found[-1][1] + pattern)
            else:
                found.append((part, pattern))
                is_open = True
        is_open = is_open and not joined[1]
    return [name for text, pattern in found for name in _names(shell, text, pattern)]


async def text(shell: Shell, word: Word, streams: Streams) -> str:
    """Return a word as one text, as in an assignment or after a redirection."""
    parts = [" ".join((await _parts(shell, piece, streams, split=False))[0]) for piece in _with_home(word)]
    return "".join(parts)


async def pattern(shell: Shell, word: Word, streams: Streams) -> str:
    """Return a word as a pattern, in which what is quoted means itself."""
    parts = []
    for piece in word:
        part = " ".join((await _parts(shell, piece, streams, split=False))[0])
        parts.append(_literal(part) if piece.quoted else part)
    return "".join(parts)


def _with_home(word: Word) -> Word:
    """Replace a tilde at the beginning by root's home."""
    first = word[0] if word else Piece("")
    if first.kind == "text" and not first.quoted and (match := re.match(r"~(?:root)?(?=/|$)", first.text)):
        return (Piece(HOME, quoted=True), Piece(first.text[match.end() :]), *word[1:])
    return word


def _literal(part: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", part)


async def _parts(
    shell: Shell, piece: Piece, streams: Streams, *, split: bool = True
) -> tuple[list[str], tuple[bool, bool]]:
    """Return what a piece stands for, in parts, and whether there is a gap before the first and after the last."""
    if piece.kind == "text":
        return ([piece.text] if piece.text or piece.quoted else []), (False, False)
    if piece.kind == "parameter" and piece.text == "@" and (piece.quoted or split):
        return list(shell.arguments), (False, False)
    if piece.kind == "command":
        value = await shell.output(piece.text, streams)
    elif piece.kind == "arithmetic":
        value = str(calculated(shell, await text(shell, expandable(piece.text), streams)))
    else:
        value = await _parameter(shell, piece.text, streams)
    if piece.quoted or not split:
        return [value], (False, False)
    return value.split(), (value[:1].isspace(), value[-1:].isspace())


async def _parameter(shell: Shell, body: str, streams: Streams) -> str:
    """Return the value of `$name`, or of one of the forms of `${name...}`."""
    match = _PARAMETER.fullmatch(body)
    if match is None:
        raise ExpansionError(f"${{{body}}}: bad substitution")
    value = shell.parameter(match["name"])
    if match["length"]:
        return str(len(value or ""))
    form, word = match["op"] or "", match["word"] or ""
    if value is None and not form and shell.strict and match["name"] not in "@*":
        raise ExpansionError(f"{match['name']}: unbound variable")
    if form in ("#", "##", "%", "%%"):
        return _trimmed(value or "", form, await pattern(shell, Lexer(word).operand(), streams))
    is_set = bool(value) if form.startswith(":") else value is not None
    if form.endswith("+"):
        return await text(shell, Lexer(word).operand(), streams) if is_set else ""
    if is_set or not form:
        return value or ""
    other = await text(shell, Lexer(word).operand(), streams)
    if form.endswith("?"):
        raise ExpansionError(f"{match['name']}: {other or 'parameter null or not set'}")
    if form.endswith("="):
        shell.variables[match["name"]] = other
    return other


def _trimmed(value: str, form: str, unwanted: str) -> str:
    """Cut off the beginning (`#`) or the end (`%`) that a pattern fits: the shortest, or the longest when doubled."""
    places: Iterable[int] = range(len(value) + 1)
    if form in ("##", "%"):
        places = reversed(range(len(value) + 1))
    for place in places:
        head, tail = value[:place], value[place:]
        if fnmatch.fnmatchcase(head if form[0] == "#" else tail, unwanted):
            return tail if form[0] == "#" else head
    return value


def calculated(shell: Shell, text_: str) -> int:
    """Return the value of an arithmetic expression; a name in it is that of a variable."""
    try:
        tree = ast.parse(text_.strip() or "0", mode="eval")
        return _sum(shell, tree.body)
    except (SyntaxError, ValueError, KeyError, RecursionError):
        raise ExpansionError(f"{text_}: syntax error: operand expected") from None
    except ZeroDivisionError:
        raise ExpansionError(f"{text_}: division by 0") from None


def _sum(shell: Shell, node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.Name):
        return int(shell.parameter(node.id) or 0)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_sum(shell, node.operand)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return int(_SUMS[type(node.ops[0])](_sum(shell, node.left), _sum(shell, node.comparators[0])))
    if isinstance(node, ast.BinOp):
        left, right = _sum(shell, node.left), _sum(shell, node.right)
        if isinstance(node.op, (ast.Div, ast.Mod)):
            quotient = int(left / right)
            return quotient if isinstance(node.op, ast.Div) else left - quotient * right
        return _SUMS[type(node.op)](left, right)
    raise ValueError


def _names(shell: Shell, text_: str, pattern_: str) -> list[str]:
    """Return the files that a pattern fits, or the text itself when it is none or fits no file."""
    if not _PATTERN.search(re.sub(r"\[[*?\[]\]", "", pattern_)) or text_ in ("[", "?"):
        return [text_]
    found = ["/"] if pattern_.startswith("/") else [""]
    for part in [part for part in pattern_.split("/") if part]:
        found = [f"{base}{name}/" for base in found for name in _names_in(shell, base, part)]
    return sorted(name.rstrip("/") for name in found) or [text_]


def _names_in(shell: Shell, base: str, part: str) -> list[str]:
    folder = shell.place(base or ".")
    if not shell.tree.exists(folder) or not shell.tree.stat(folder).folder:
        return []
    names = [name for name in shell.tree.list(folder) if fnmatch.fnmatchcase(name, part)]
    if not _PATTERN.search(part) and part not in names and shell.tree.exists(f"{folder}/{part}"):
        names.append(part)
    return [name for name in names if part.startswith(".") or not name.startswith(".")]
