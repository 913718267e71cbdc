"""Reading a command line as a shell does: words and quotes, lists, pipes, redirections, here-documents.

What is read is the part of the shell's language that programs use over SSH. Loops, conditions and functions are
refused as a syntax error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_OPERATORS = ("&&", "||", ";", "|", "\n")
_TOKEN = re.compile(r"(?:&&|\|\||2>&1|1>&2|>&2|&>|2>>|2>|1>>|1>|>>|>|<<<|<<-?|<|;|\||\n|&|\(|\))")
_NAME = re.compile(r"\?|[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\}")
_COMPOUND = ("if", "for", "while", "until", "case", "function", "select", "{", "[[", "((")


class ShellSyntaxError(Exception):
    """The line is not one that this shell reads; the text is the shell's own."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word. `kind` is `text`, `variable` or `command` (whose output is meant)."""

    text: str
    kind: str = "text"
    quoted: bool = False


Word = tuple[Piece, ...]


@dataclass(slots=True)
class Redirection:
    """Where a stream goes to or comes from: `>`, `>>`, `2>`, `2>>`, `&>`, `<`, `<<`, `2>&1`, `1>&2`."""

    operator: str
    word: Word = ()


@dataclass(slots=True)
class Command:
    """A simple command."""

    words: list[Word] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)


@dataclass(slots=True)
class Pipeline:
    """Commands joined by pipes; `after` says when it runs: `;` always, `&&` and `||` after success and failure."""

    after: str
    commands: list[Command]
    negated: bool = False


def parse(text: str) -> list[Pipeline]:
    """Read a line or script."""
    return _Reader(text).script()


class _Reader:
    """Goes through the text once."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\\\n", "")
        self._place = 0
        self._documents: list[Redirection] = []

    def script(self) -> list[Pipeline]:
        pipelines: list[Pipeline] = []
        command = Command()
        current = Pipeline(";", [command])
        while (mark := self._next()) is not None:
            if isinstance(mark, tuple):
                self._take_word(current, command, mark)
            elif mark not in _OPERATORS:
                command.redirections.append(self._redirection(mark))
            elif command.words or command.redirections:
                command = Command()
                if mark == "|":
                    current.commands.append(command)
                    continue
                pipelines.append(current)
                current = Pipeline(";" if mark == "\n" else mark, [command])
            elif mark != "\n":
                raise ShellSyntaxError(f"syntax error near unexpected token `{mark}'")
            if mark == "\n":
                self._read_documents()
        self._finish(pipelines, current, command)
        return pipelines

    def _finish(self, pipelines: list[Pipeline], current: Pipeline, command: Command) -> None:
        """Take what stands before the end of the text."""
        self._read_documents()
        if command.words or command.redirections:
            pipelines.append(current)
        elif current.after in {"&&", "||"} or len(current.commands) > 1:
            raise ShellSyntaxError("syntax error: unexpected end of file")

    def _take_word(self, current: Pipeline, command: Command, word: Word) -> None:
        plain = word[0].text if len(word) == 1 and word[0].kind == "text" and not word[0].quoted else ""
        if plain == "!" and not command.words and len(current.commands) == 1:
            current.negated = not current.negated
        elif plain in _COMPOUND and not command.words:
            raise ShellSyntaxError(f"syntax error near unexpected token `{plain}'")
        else:
            command.words.append(word)

    def _next(self) -> str | Word | None:
        """Return the next operator or word."""
        while self._place < len(self._text) and self._text[self._place] in " \t\r":
            self._place += 1
        if self._place < len(self._text) and self._text[self._place] == "#":
            end = self._text.find("\n", self._place)
            self._place = len(self._text) if end < 0 else end
        if self._place >= len(self._text):
            return None
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            return self._word()
        self._place = match.end()
        if match[0] in {"&", "(", ")"}:
            raise ShellSyntaxError(f"syntax error near unexpected token `{match[0]}'")
        return match[0]

    def _redirection(self, operator: str) -> Redirection:
        operator = {"1>": ">", "1>>": ">>", ">&2": "1>&2", "<<-": "<<"}.get(operator, operator)
        if operator in {"2>&1", "1>&2"}:
            return Redirection(operator)
        target = self._next()
        if not isinstance(target, tuple):
            raise ShellSyntaxError(f"syntax error near unexpected token `{(target or 'newline').strip() or 'newline'}'")
        result = Redirection(operator, target)
        if operator == "<<":
            self._documents.append(result)
        return result

    def _read_documents(self) -> None:
        """Read the here-documents that begin after this line."""
        for document in self._documents:
            end = "".join(piece.text for piece in document.word)
            quoted = any(piece.quoted for piece in document.word)
            lines: list[str] = []
            while self._place < len(self._text):
                line, _, _ = self._text[self._place :].partition("\n")
                self._place += len(line) + 1
                if line.lstrip("\t") == end:
                    break
                lines.append(line + "\n")
            body = "".join(lines)
            document.word = (Piece(body, quoted=True),) if quoted else _expandable(body)
        self._documents.clear()

    def _word(self) -> Word:
        pieces: list[Piece] = []
        text = self._text
        while self._place < len(text) and text[self._place] not in " \t\r\n":
            if pieces and _TOKEN.match(text, self._place) and text[self._place] in "&|;<>()":
                break
            character = text[self._place]
            if character == "'":
                end = self._closing("'")
                pieces.append(Piece(text[self._place + 1 : end], quoted=True))
                self._place = end + 1
            elif character == '"':
                pieces += self._double_quoted()
            elif character == "\\" and self._place + 1 < len(text):
                pieces.append(Piece(text[self._place + 1], quoted=True))
                self._place += 2
            elif character == "$":
                pieces.append(self._expansion(quoted=False))
            else:
                pieces.append(Piece(character))
                self._place += 1
        return _joined(pieces)

    def _closing(self, quote: str) -> int:
        end = self._text.find(quote, self._place + 1)
        if end < 0:
            raise ShellSyntaxError(f"unexpected EOF while looking for matching `{quote}'")
        return end

    def _double_quoted(self) -> list[Piece]:
        pieces = [Piece("", quoted=True)]
        self._place += 1
        while self._place < len(self._text) and self._text[self._place] != '"':
            character, following = self._text[self._place], self._text[self._place + 1 : self._place + 2]
            if character == "\\" and following and following in '"\\$`':
                pieces.append(Piece(following, quoted=True))
                self._place += 2
            elif character == "$":
                pieces.append(self._expansion(quoted=True))
            else:
                pieces.append(Piece(character, quoted=True))
                self._place += 1
        if self._place >= len(self._text):
            raise ShellSyntaxError("unexpected EOF while looking for matching `\"'")
        self._place += 1
        return pieces

    def _expansion(self, *, quoted: bool) -> Piece:
        """Read what a dollar begins: a variable, the output of a command, or just a dollar."""
        rest = self._text[self._place + 1 :]
        if rest.startswith("("):
            depth, end = 0, 0
            for end, character in enumerate(rest):  # noqa: B007 - the place of the closing one is what is sought
                depth += {"(": 1, ")": -1}.get(character, 0)
                if depth == 0:
                    break
            if depth:
                raise ShellSyntaxError("unexpected EOF while looking for matching `)'")
            self._place += end + 2
            return Piece(rest[1:end], "command", quoted)
        match = _NAME.match(rest)
        if match is None:
            self._place += 1
            return Piece("$", quoted=quoted)
        self._place += 1 + match.end()
        return Piece(match[0].strip("{}"), "variable", quoted)


def _expandable(body: str) -> Word:
    """Read the text of a here-document in which variables and commands are meant."""
    escaped = body.replace('"', '\\"')
    return _joined(_Reader(f'"{escaped}"')._double_quoted())


def _joined(pieces: list[Piece]) -> Word:
    """Put characters of the same kind together."""
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if last is not None and (last.kind, last.quoted) == (piece.kind, piece.quoted) == ("text", piece.quoted):
            result[-1] = Piece(last.text + piece.text, quoted=last.quoted)
        else:
            result.append(piece)
    return tuple(result)
