"""Taking a command line apart as a shell does: operators, and words made of quoted and expanded pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_OPERATOR = re.compile(
    r"(?:&&|\|\||2>&1|[01]?>&[012-]|1>&2|&>>|&>|2>>|2>|1>>|1>|>>|>\||>|<<<|<<-?|<|;;|;|\||\n|&|\(|\))"
)
_BREAKS = "&|;<>()"
_NAME = re.compile(r"[?#$!@*0-9-]|[A-Za-z_][A-Za-z0-9_]*")


class ShellSyntaxError(Exception):
    """The line is not one that this shell reads; the text is the shell's own."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word. `kind` is `text`, `parameter`, `command` (whose output is meant) or `arithmetic`."""

    text: str
    kind: str = "text"
    quoted: bool = False


Word = tuple[Piece, ...]


@dataclass(slots=True)
class Redirection:
    """Where a stream goes to or comes from: `>`, `>>`, `2>`, `2>>`, `&>`, `<`, `<<`, `<<<`, `2>&1`, `1>&2`."""

    operator: str
    word: Word = ()


@dataclass(slots=True)
class Lexer:
    """Goes through the text once."""

    text: str
    place: int = 0
    is_open: bool = False
    """Whether the text has ended in a here-document."""
    _documents: list[Redirection] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Join lines that end with a backslash."""
        self.text = self.text.replace("\\\n", "")

    def next(self) -> str | Word | None:
        """Return the next operator or word, or None at the end."""
        while self.place < len(self.text) and self.text[self.place] in " \t\r":
            self.place += 1
        if self.place < len(self.text) and self.text[self.place] == "#":
            end = self.text.find("\n", self.place)
            self.place = len(self.text) if end < 0 else end
        if self.place >= len(self.text):
            return None
        match = _OPERATOR.match(self.text, self.place)
        if match is None:
            return self._word()
        self.place = match.end()
        return match[0]

    def redirection(self, operator: str) -> Redirection:
        """Read what follows a redirection's operator."""
        names = {"1>": ">", "1>>": ">>", ">&2": "1>&2", "<<-": "<<", ">|": ">", ">&1": "1>&1"}
        operator = names.get(operator, operator)
        if ">&" in operator:
            return Redirection(operator)
        target = self.next()
        if not isinstance(target, tuple):
            shown = "newline" if target in ("\n", None) else target
            raise ShellSyntaxError(f"syntax error near unexpected token `{shown}'")
        result = Redirection(operator, target)
        if operator == "<<":
            self._documents.append(result)
        return result

    def read_documents(self) -> None:
        """Read the here-documents that begin after this line."""
        for document in self._documents:
            end = "".join(piece.text for piece in document.word)
            quoted = any(piece.quoted for piece in document.word)
            lines: list[str] = []
            self.is_open = True
            while self.place < len(self.text):
                line, _, _ = self.text[self.place :].partition("\n")
                self.place += len(line) + 1
                if line.lstrip("\t") == end:
                    self.is_open = False
                    break
                lines.append(line + "\n")
            body = "".join(lines)
            document.word = (Piece(body, quoted=True),) if quoted else expandable(body)
        self._documents.clear()

    def operand(self) -> Word:
        """Read all of the text as one word, spaces and all: it stands within braces."""
        return self._word(ends="", breaks="")

    def _word(self, ends: str = " \t\r\n", breaks: str = _BREAKS) -> Word:
        pieces: list[Piece] = []
        text = self.text
        while self.place < len(text) and text[self.place] not in ends:
            character = text[self.place]
            if pieces and character in breaks:
                break
            if character == "'":
                end = self._closing("'")
                pieces.append(Piece(text[self.place + 1 : end], quoted=True))
                self.place = end + 1
            elif character == '"':
                pieces += self._double_quoted()
            elif character == "\\" and self.place + 1 < len(text):
                pieces.append(Piece(text[self.place + 1], quoted=True))
                self.place += 2
            elif character in "$`":
                pieces.append(self._expansion(quoted=False))
            else:
                pieces.append(Piece(character))
                self.place += 1
        return _joined(pieces)

    def _closing(self, quote: str) -> int:
        end = self.text.find(quote, self.place + 1)
        if end < 0:
            raise ShellSyntaxError(f"unexpected EOF while looking for matching `{quote}'")
        return end

    def _double_quoted(self) -> list[Piece]:
        pieces = [Piece("", quoted=True)]
        self.place += 1
        while self.place < len(self.text) and self.text[self.place] != '"':
            character, following = self.text[self.place], self.text[self.place + 1 : self.place + 2]
            if character == "\\" and following and following in '"\\$`':
                pieces.append(Piece(following, quoted=True))
                self.place += 2
            elif character in "$`":
                pieces.append(self._expansion(quoted=True))
            else:
                pieces.append(Piece(character, quoted=True))
                self.place += 1
        if self.place >= len(self.text):
            raise ShellSyntaxError("unexpected EOF while looking for matching `\"'")
        self.place += 1
        return pieces

    def _expansion(self, *, quoted: bool) -> Piece:
        """Read what a dollar or a backquote begins: a parameter, the output of a command, or just a dollar."""
        if self.text[self.place] == "`":
            return self._backquoted(quoted=quoted)
        rest = self.text[self.place + 1 :]
        if rest.startswith("(("):
            end = _matching(rest, "(", ")")
            self.place += end + 2
            return Piece(rest[2 : end - 1], "arithmetic", quoted)
        if rest.startswith("("):
            end = _matching(rest, "(", ")")
            self.place += end + 2
            return Piece(rest[1:end], "command", quoted)
        if rest.startswith("{"):
            end = _matching(rest, "{", "}")
            self.place += end + 2
            return Piece(rest[1:end], "parameter", quoted)
        match = _NAME.match(rest)
        if match is None:
            self.place += 1
            return Piece("$", quoted=quoted)
        self.place += 1 + match.end()
        return Piece(match[0], "parameter", quoted)

    def _backquoted(self, *, quoted: bool) -> Piece:
        match = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(self.text, self.place)
        if match is None:
            raise ShellSyntaxError("unexpected EOF while looking for matching ``'")
        self.place = match.end()
        return Piece(re.sub(r"\\([`\\$])", r"\1", match[1]), "command", quoted)


def _matching(text: str, opening: str, closing: str) -> int:
    """Return the place of the bracket that closes the first one; what is quoted does not count."""
    depth, quote, place = 0, "", 0
    while place < len(text):
        character = text[place]
        if character == "\\":
            place += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in (opening, closing):
            depth += 1 if character == opening else -1
            if depth == 0:
                return place
        place += 1
    raise ShellSyntaxError(f"unexpected EOF while looking for matching `{closing}'")


def expandable(body: str) -> Word:
    """Read text in which parameters and commands are meant, and quotes are not, as in a here-document."""
    escaped = body.replace('"', '\\"')
    return _joined(Lexer(f'"{escaped}"')._double_quoted())


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
