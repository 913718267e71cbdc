"""The grammar of the shell: lists, pipes, groups, subshells, `if`, `for`, `while`, `until`, `case` and functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from simulator.ssh.lexer import Lexer, Redirection, ShellSyntaxError, Word

_ENDS = ("&&", "||", ";", "\n", "&")
_RESERVED = ("then", "else", "elif", "fi", "do", "done", "esac", "}", "in")
_COMPOUND = ("if", "for", "while", "until", "case", "{", "[[", "function", "select")
_REDIRECTION = re.compile(r"[<>]")
_MAX_DEPTH = 60


@dataclass(slots=True)
class Command:
    """A simple command."""

    words: list[Word] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """Commands in braces, or in a shell of their own when they are in parentheses."""

    body: Script
    own_shell: bool
    redirections: list[Redirection] = field(default_factory=list)


@dataclass(slots=True)
class Choice:
    """`if`: conditions with what is done when one is true."""

    branches: list[tuple[Script, Script]]
    otherwise: Script
    redirections: list[Redirection] = field(default_factory=list)


@dataclass(slots=True)
class Loop:
    """`while`, or `until` whose condition is the other way round."""

    condition: Script
    body: Script
    until: bool
    redirections: list[Redirection] = field(default_factory=list)


@dataclass(slots=True)
class Each:
    """`for`: a variable goes through words, or through the arguments."""

    name: str
    words: list[Word] | None
    body: Script
    redirections: list[Redirection] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    """`case`: the first pattern that fits decides."""

    word: Word
    branches: list[tuple[list[Word], Script]]
    redirections: list[Redirection] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """A definition."""

    name: str
    body: Node
    redirections: list[Redirection] = field(default_factory=list)


Node = Command | Group | Choice | Loop | Each | Case | Function


@dataclass(slots=True)
class Pipeline:
    """Commands joined by pipes; `after` says when it runs: `;` always, `&&` and `||` after success and failure."""

    after: str
    commands: list[Node]
    negated: bool = False
    background: bool = False


Script = list[Pipeline]


def parse(text: str) -> Script:
    """Read a line or script."""
    parser = _Parser(text)
    script = parser.script()
    if parser.mark is not None:
        raise parser.unexpected()
    return script


def is_complete(text: str) -> bool:
    """Tell whether a text can be run, or more of it has to come."""
    try:
        parser = _Parser(text)
        parser.script()
    except ShellSyntaxError as error:
        return "unexpected EOF" not in str(error) and "unexpected end of file" not in str(error)
    return not parser.is_open


def _plain(mark: str | Word | None) -> str:
    """Return the text of a word without quotes and expansions, or of an operator."""
    if isinstance(mark, tuple):
        single = len(mark) == 1 and mark[0].kind == "text" and not mark[0].quoted
        return mark[0].text if single else ""
    return mark or ""


class _Parser:
    """Reads one mark ahead."""

    def __init__(self, text: str) -> None:
        self._lexer = Lexer(text)
        self._depth = 0
        self.mark: str | Word | None = None
        self._advance()

    @property
    def is_open(self) -> bool:
        """Tell whether the end of a here-document is still to come, or the other half of a line."""
        return self._lexer.is_open or self._lexer.text.endswith("\\\n")

    def _advance(self) -> None:
        self.mark = self._lexer.next()
        if self.mark in ("\n", None):
            self._lexer.read_documents()

    def unexpected(self) -> ShellSyntaxError:
        """Return the error for a mark that cannot stand where it does."""
        if self.mark is None:
            return ShellSyntaxError("syntax error: unexpected end of file")
        shown = "newline" if self.mark == "\n" else _plain(self.mark) or "word"
        return ShellSyntaxError(f"syntax error near unexpected token `{shown}'")

    def _need(self, text: str) -> None:
        if _plain(self.mark) != text:
            raise self.unexpected()
        self._advance()

    def _skip_lines(self) -> None:
        while self.mark == "\n":
            self._advance()

    def script(self, *ends: str) -> Script:
        """Read pipelines up to one of these words or operators, which is left to be read."""
        pipelines: Script = []
        after = ";"
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ShellSyntaxError("syntax error: too deeply nested")
        while True:
            self._skip_lines()
            if self.mark is None or _plain(self.mark) in ends or (not ends and self.mark in (")", ";;")):
                if after != ";":
                    raise self.unexpected()
                break
            pipeline = self._pipeline(after)
            pipelines.append(pipeline)
            after = ";"
            if self.mark in _ENDS:
                pipeline.background = self.mark == "&"
                after = str(self.mark) if self.mark in ("&&", "||") else ";"
                self._advance()
            elif self.mark is not None and _plain(self.mark) not in ends:
                raise self.unexpected()
        self._depth -= 1
        return pipelines

    def _body(self, *ends: str) -> Script:
        """Read a script that must not be empty."""
        script = self.script(*ends)
        if not script:
            raise self.unexpected()
        return script

    def _pipeline(self, after: str) -> Pipeline:
        result = Pipeline(after, [])
        while _plain(self.mark) == "!":
            result.negated = not result.negated
            self._advance()
        result.commands.append(self._command())
        while self.mark == "|":
            self._advance()
            self._skip_lines()
            result.commands.append(self._command())
        return result

    def _command(self) -> Node:
        word = _plain(self.mark)
        if self.mark == "(":
            self._advance()
            node: Node = Group(self._body(")"), own_shell=True)
            self._need(")")
        elif isinstance(self.mark, tuple) and word in _COMPOUND:
            node = self._compound(word)
        elif isinstance(self.mark, tuple) and word in _RESERVED:
            raise self.unexpected()
        else:
            return self._simple()
        while isinstance(self.mark, str) and _REDIRECTION.search(self.mark):
            node.redirections.append(self._lexer.redirection(self.mark))
            self._advance()
        return node

    def _simple(self) -> Node:
        command = Command()
        while self.mark is not None:
            if isinstance(self.mark, tuple):
                command.words.append(self.mark)
            elif _REDIRECTION.search(self.mark):
                command.redirections.append(self._lexer.redirection(self.mark))
            else:
                break
            self._advance()
        if self.mark == "(" and len(command.words) == 1 and not command.redirections:
            return self._function(_plain(command.words[0]))
        if not command.words and not command.redirections:
            raise self.unexpected()
        return command

    def _function(self, name: str) -> Function:
        self._advance()
        self._need(")")
        self._skip_lines()
        if self.mark != "(" and _plain(self.mark) != "{":
            raise self.unexpected()
        return Function(name, self._command())

    def _compound(self, word: str) -> Node:
        self._advance()
        if word == "{":
            body = self._body("}")
            self._need("}")
            return Group(body, own_shell=False)
        if word == "if":
            return self._choice()
        if word in ("while", "until"):
            condition = self._body("do")
            return Loop(condition, self._done(), until=word == "until")
        if word == "for":
            return self._each()
        if word == "case":
            return self._case()
        raise ShellSyntaxError(f"syntax error near unexpected token `{word}'")

    def _done(self) -> Script:
        self._need("do")
        body = self._body("done")
        self._need("done")
        return body

    def _choice(self) -> Choice:
        result = Choice([], [])
        while True:
            condition = self._body("then")
            self._need("then")
            result.branches.append((condition, self._body("elif", "else", "fi")))
            if _plain(self.mark) != "elif":
                break
            self._advance()
        if _plain(self.mark) == "else":
            self._advance()
            result.otherwise = self._body("fi")
        self._need("fi")
        return result

    def _each(self) -> Each:
        name, words = _plain(self.mark), None
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise self.unexpected()
        self._advance()
        self._skip_lines()
        if _plain(self.mark) == "in":
            self._advance()
            words = []
            while isinstance(self.mark, tuple):
                words.append(self.mark)
                self._advance()
        if self.mark == ";":
            self._advance()
        self._skip_lines()
        return Each(name, words, self._done())

    def _case(self) -> Case:
        if not isinstance(self.mark, tuple):
            raise self.unexpected()
        result = Case(self.mark, [])
        self._advance()
        self._skip_lines()
        self._need("in")
        self._skip_lines()
        while _plain(self.mark) != "esac":
            result.branches.append((self._patterns(), self.script(";;", "esac")))
            if _plain(self.mark) == ";;":
                self._advance()
            self._skip_lines()
        self._advance()
        return result

    def _patterns(self) -> list[Word]:
        if self.mark == "(":
            self._advance()
        patterns: list[Word] = []
        while isinstance(self.mark, tuple):
            patterns.append(self.mark)
            self._advance()
            if _plain(self.mark) == "|":
                self._advance()
        if not patterns:
            raise self.unexpected()
        self._need(")")
        return patterns
