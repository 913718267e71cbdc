"""The shell: runs command lines on a file tree with the commands that it knows."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.errors import ApiError
from simulator.ssh.file_tree import HOME, FileTree
from simulator.ssh.syntax import Command, Pipeline, Redirection, ShellSyntaxError, Word, parse

NOT_FOUND, NOT_A_PROGRAM, MISUSE = 127, 126, 2
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_MAX_DEPTH = 16

Write = Callable[[bytes], None]
Program = Callable[[Any, list[str], "Streams"], Awaitable[int]]
"""A command: it gets the shell (of whatever kind it needs), its arguments and its streams."""


class Exit(Exception):
    """The shell is told to end."""

    def __init__(self, code: int) -> None:
        """Keep the exit code."""
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Streams:
    """What a command reads and writes."""

    read: Callable[[], Awaitable[bytes]]
    out: Write
    error: Write

    def say(self, text: str) -> None:
        """Write a line of output."""
        self.out(f"{text}\n".encode())

    def complain(self, text: str) -> None:
        """Write a line of errors."""
        self.error(f"{text}\n".encode())


@dataclass(slots=True)
class Shell:
    """A shell as root on a machine of this name."""

    tree: FileTree
    programs: Mapping[str, Program]
    host: str
    folder: str = HOME
    status: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    depth: int = 0

    def __post_init__(self) -> None:
        """Set what a login sets."""
        self.variables = {"HOME": HOME, "USER": "root", "LOGNAME": "root", "HOSTNAME": self.host, **self.variables}

    def place(self, path: str) -> str:
        """Return the full path of a name that is relative to the current folder."""
        return self.tree.resolve(path, self.folder)

    async def run(self, text: str, streams: Streams) -> int:
        """Run a line or script and return the exit code of its last command."""
        try:
            pipelines = parse(text)
        except ShellSyntaxError as error:
            streams.complain(f"bash: -c: line 1: {error}")
            self.status = MISUSE
            return MISUSE
        for pipeline in pipelines:
            if pipeline.after == ";" or (pipeline.after == "&&") == (self.status == 0):
                code = await self._pipeline(pipeline, streams)
                self.status = int(code == 0) if pipeline.negated else code
        return self.status

    async def _pipeline(self, pipeline: Pipeline, streams: Streams) -> int:
        code, read = 0, streams.read
        for command in pipeline.commands:
            if command is pipeline.commands[-1]:
                return await self._command(command, Streams(read, streams.out, streams.error))
            between = bytearray()
            code = await self._command(command, Streams(read, between.extend, streams.error))
            read = _of(bytes(between))
        return code

    async def _command(self, command: Command, streams: Streams) -> int:
        try:
            words = [text for word in command.words for text in await self._expanded(word, streams)]
            targets, own = await self._redirected(command.redirections, streams)
        except OSError as error:
            streams.complain(f"bash: line 1: {error.filename}: {error.strerror}")
            return 1
        while words and (match := _ASSIGNMENT.fullmatch(words[0])):
            self.variables[match[1]] = match[2]
            words.pop(0)
        code = await self.execute(words, own) if words else 0
        for path, data in targets.items():
            try:
                self.tree.write(path, bytes(data))
            except OSError as error:
                streams.complain(f"bash: line 1: {path}: {error.strerror}")
                code = code or 1
        return code

    def program(self, name: str) -> Program | None:
        """Return the command of a name, or None."""
        return self.programs.get(name)

    async def execute(self, words: list[str], streams: Streams) -> int:
        """Run a command, given as it is: no word of it is expanded."""
        name = words[0].rpartition("/")[2] if words[0].startswith(("/usr/", "/bin/", "/sbin/")) else words[0]
        program = self.program(name)
        if program is None:
            if "/" in words[0]:
                known = self.tree.exists(self.place(words[0]))
                text = "Permission denied" if known else "No such file or directory"
                streams.complain(f"bash: line 1: {words[0]}: {text}")
                return NOT_A_PROGRAM if known else NOT_FOUND
            streams.complain(f"bash: line 1: {words[0]}: command not found")
            return NOT_FOUND
        try:
            return await program(self, words[1:], streams)
        except ApiError as error:
            streams.complain(error.message)
            return 255

    async def _redirected(
        self, redirections: list[Redirection], streams: Streams
    ) -> tuple[dict[str, bytearray], Streams]:
        """Return the streams of a command, and the files that are to be written when it has ended."""
        result, files = Streams(streams.read, streams.out, streams.error), dict[str, bytearray]()
        for redirection in redirections:
            operator = redirection.operator
            text = "".join(await self._texts(redirection.word, streams))
            if operator in {"<<", "<<<"}:
                result.read = _of(text.encode() + (b"\n" if operator == "<<<" else b""))
            elif operator == "<":
                result.read = _of(b"" if text == "/dev/null" else self.tree.read(self.place(text)))
            elif operator == "2>&1":
                result.error = result.out
            elif operator == "1>&2":
                result.out = result.error
            else:
                write = self._file(files, text, append=operator.endswith(">>"))
                result.out = write if operator in {">", ">>", "&>"} else result.out
                result.error = write if operator in {"2>", "2>>", "&>"} else result.error
        return files, result

    def _file(self, files: dict[str, bytearray], name: str, *, append: bool) -> Write:
        path = self.place(name)
        if path == "/dev/null":
            return _forget
        before = self.tree.read(path) if append and self.tree.exists(path) else b""
        files[path] = bytearray(before)
        return files[path].extend

    async def _texts(self, word: Word, streams: Streams) -> list[str]:
        """Return the text of each piece of a word."""
        texts = []
        for piece in word:
            if piece.kind == "variable":
                texts.append(str(self.status) if piece.text == "?" else self.variables.get(piece.text, ""))
            elif piece.kind == "command":
                texts.append(await self._output(piece.text, streams))
            else:
                texts.append(piece.text)
        return texts

    async def _output(self, text: str, streams: Streams) -> str:
        """Return what a command prints, in a shell of its own."""
        if self.depth >= _MAX_DEPTH:
            streams.complain("bash: line 1: too many shells in one another")
            return ""
        out = bytearray()
        await self.child().run(text, Streams(streams.read, out.extend, streams.error))
        return out.decode(errors="replace").rstrip("\n")

    def child(self) -> Shell:
        """Return a shell that this one starts."""
        return replace(self, variables=dict(self.variables), depth=self.depth + 1)

    async def _expanded(self, word: Word, streams: Streams) -> list[str]:
        """Return the words that a word stands for: a pattern stands for the files that it fits."""
        texts = await self._texts(word, streams)
        whole = "".join(texts)
        quoted = any(piece.quoted for piece in word)
        if not whole and not quoted:
            return []
        patterned = any(not p.quoted and re.search(r"[*?\[]", t) for p, t in zip(word, texts, strict=True))
        if word[0].kind != "text" and not quoted:
            return whole.split()
        return (self._matching(whole) or [whole]) if patterned and whole not in {"[", "?"} else [whole]

    def _matching(self, pattern: str) -> list[str]:
        found = ["/"] if pattern.startswith("/") else [""]
        for part in [part for part in pattern.split("/") if part]:
            found = [f"{base}{name}/" for base in found for name in self._names(base, part)]
        return sorted(name.rstrip("/") for name in found)

    def _names(self, base: str, part: str) -> list[str]:
        folder = self.place(base or ".")
        if not re.search(r"[*?\[]", part):
            return [part] if self.tree.exists(f"{folder}/{part}") else []
        if not self.tree.exists(folder) or not self.tree.stat(folder).folder:
            return []
        names = [name for name in self.tree.list(folder) if fnmatch.fnmatchcase(name, part)]
        return [name for name in names if part.startswith(".") or not name.startswith(".")]


def _forget(_data: bytes) -> None:
    """Write to nowhere."""


def _of(data: bytes) -> Callable[[], Awaitable[bytes]]:
    """Return a stream that holds these bytes, and nothing when they have been read."""
    left = [data]

    async def read() -> bytes:
        return left.pop() if left else b""

    return read
