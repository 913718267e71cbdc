"""The shell of a simulated node: runs command lines on the node's file tree with the commands that it knows."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.errors import ApiError
from simulator.ssh import compound, expansion
from simulator.ssh.expansion import ExpansionError
from simulator.ssh.file_tree import HOME, FileTree
from simulator.ssh.flags import InvalidArgumentError
from simulator.ssh.leaving import Exit, Leave
from simulator.ssh.lexer import Redirection, ShellSyntaxError, Word
from simulator.ssh.streams import Streams, Write, forget, holding
from simulator.ssh.syntax import Command, Node, Pipeline, Script, parse

NOT_FOUND, NOT_A_PROGRAM, MISUSE = 127, 126, 2
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
BINARY = b"\x7fELF\n"
"""What stands in the file of a program."""
_MAX_DEPTH = 16
_SYSTEM_FOLDERS = ("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/local/bin/", "/usr/local/sbin/")

__all__ = ["MISUSE", "Exit", "Program", "Shell", "Streams"]
Program = Callable[[Any, list[str], Streams], Awaitable[int]]
"""A command: it gets the shell (of whatever kind it needs), its arguments and its streams."""


@dataclass(slots=True)
class Shell:
    """A shell as root on a machine of this name."""

    tree: FileTree
    programs: Mapping[str, Program]
    host: str
    folder: str = HOME
    status: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    arguments: list[str] = field(default_factory=list)
    functions: dict[str, Node] = field(default_factory=dict)
    depth: int = 0
    strict: bool = False
    """`set -u`: a variable that is not set is an error."""
    fragile: bool = False
    """`set -e`: the first command that fails ends the shell."""
    user: str = "root"
    umask: int = 0o022

    def __post_init__(self) -> None:
        """Set what a login sets."""
        login = {"HOME": HOME, "USER": self.user, "LOGNAME": self.user, "PATH": PATH, "SHELL": "/bin/bash"}
        self.variables = {**login, "PWD": self.folder, **self.variables}
        self.exported |= login.keys() | {"PWD"}

    def place(self, path: str) -> str:
        """Return the full path of a name that is relative to the current folder."""
        return self.tree.absolute(path, self.folder)

    def parameter(self, name: str) -> str | None:
        """Return the value of a variable or of a special parameter; None when it is not set."""
        special = {
            "?": str(self.status), "#": str(len(self.arguments)), "$": str(1000 + self.depth), "0": "bash",
            "*": " ".join(self.arguments), "@": " ".join(self.arguments), "HOSTNAME": self.host, "!": "", "-": "",
        }  # fmt: skip
        if name in special:
            return special[name]
        if name.isdecimal():
            return self.arguments[int(name) - 1] if int(name) <= len(self.arguments) else None
        return self.variables.get(name)

    async def run(self, text: str, streams: Streams) -> int:
        """Run a line or script and return the exit code of its last command."""
        try:
            script = parse(text)
        except ShellSyntaxError as error:
            streams.complain(f"bash: -c: line 1: {error}")
            self.status = MISUSE
            return MISUSE
        try:
            return await self.run_script(script, streams)
        except Leave as leave:
            return leave.code

    async def run_script(self, script: Script, streams: Streams, *, tested: bool = False) -> int:
        """Run what was read; `tested` when a failure is expected, as in the condition of an `if`."""
        for number, pipeline in enumerate(script):
            if pipeline.after != ";" and (pipeline.after == "&&") != (self.status == 0):
                continue
            if pipeline.background:
                await self.beside(pipeline)
                self.status = 0
                continue
            code = await self._pipeline(pipeline, streams)
            self.status = int(code == 0) if pipeline.negated else code
            joined = script[number + 1].after != ";" if number + 1 < len(script) else False
            if self.status and self.fragile and not (tested or joined or pipeline.negated):
                raise Exit(self.status)
        return self.status

    async def _pipeline(self, pipeline: Pipeline, streams: Streams) -> int:
        source = streams.input
        for command in pipeline.commands[:-1]:
            between = bytearray()
            with contextlib.suppress(Exit):
                await self.child().run_node(command, Streams(source, between.extend, streams.error))
            source = holding(bytes(between))
        last = pipeline.commands[-1]
        runner = self.child() if len(pipeline.commands) > 1 else self
        try:
            return await runner.run_node(last, Streams(source, streams.out, streams.error))
        except Exit as ended:
            if runner is self:
                raise
            return ended.code

    async def run_node(self, node: Node, streams: Streams) -> int:
        """Run a command, simple or compound, with its redirections."""
        await asyncio.sleep(0)
        try:
            targets, own = await self._redirected(node.redirections, streams)
            code = await (self._simple(node, own) if isinstance(node, Command) else compound.run(self, node, own))
        except OSError as error:
            streams.complain(f"bash: line 1: {error.filename}: {error.strerror}")
            return 1
        except ExpansionError as error:
            streams.complain(f"bash: line 1: {error}")
            raise Exit(1) from None
        except (Exit, Leave):
            self._write(targets, streams)
            raise
        return self._write(targets, streams) or code

    def _write(self, targets: dict[str, bytearray], streams: Streams) -> int:
        """Write what was redirected to files."""
        code = 0
        for path, data in targets.items():
            try:
                self.tree.write(path, bytes(data))
            except OSError as error:
                streams.complain(f"bash: line 1: {path}: {error.strerror}")
                code = 1
        return code

    async def _simple(self, command: Command, streams: Streams) -> int:
        words = list(command.words)
        given: dict[str, str] = {}
        while words and (match := _assignment(words[0])):
            name, place = match[1], match.end()
            first = words[0][0]
            rest = (type(first)(first.text[place:], quoted=False), *words.pop(0)[1:])
            before = self.parameter(name) or "" if match[2] else ""
            given[name] = before + await expansion.text(self, rest, streams)
        texts = [text for word in words for text in await expansion.fields(self, word, streams)]
        if not texts:
            self.variables.update(given)
            return self.status if any(p.kind == "command" for w in command.words for p in w) and given else 0
        kept, exported = {name: self.variables.get(name) for name in given}, set(self.exported)
        self.variables.update(given)
        self.exported |= given.keys()
        try:
            if texts[0] in self.functions:
                return await compound.call(self, self.functions[texts[0]], texts[1:], streams)
            return await self.execute(texts, streams)
        finally:
            self.exported -= given.keys() - exported
            for name, value in kept.items():
                self.variables.pop(name, None)
                if value is not None:
                    self.variables[name] = value

    def program(self, name: str) -> Program | None:
        """Return the command of a name: one of the model's, one that a package has brought, or a script."""
        known = self.programs.get(name)
        if known is not None or "/" in name:
            return known
        paths = [f"{folder}/{name}" for folder in PATH.split(":")]
        path = next((p for p in paths if self.tree.exists(p) and self.tree.stat(p).mode & 0o111), None)
        if path is None:
            return None
        return self.brought(path) if self.tree.read(path) == BINARY else _script(path)

    def brought(self, _path: str) -> Program:
        """Return the program that a package has brought: in a model it does nothing."""
        return _nothing

    async def execute(self, words: list[str], streams: Streams) -> int:
        """Run a command, given as it is: no word of it is expanded."""
        name = words[0].rpartition("/")[2] if words[0].startswith(_SYSTEM_FOLDERS) else words[0]
        program = self.program(name)
        if program is None:
            return await self._unknown(words, streams)
        try:
            return await program(self, words[1:], streams)
        except ApiError as error:
            streams.complain(error.message)
            return 255
        except InvalidArgumentError as error:
            streams.complain(f"{name}: {error}")
            return 1

    async def _unknown(self, words: list[str], streams: Streams) -> int:
        """Run a script of this node, or say that there is no such command."""
        if "/" not in words[0]:
            streams.complain(f"bash: line 1: {words[0]}: command not found")
            return NOT_FOUND
        path = self.place(words[0])
        if not self.tree.exists(path):
            streams.complain(f"bash: line 1: {words[0]}: No such file or directory")
            return NOT_FOUND
        entry = self.tree.stat(path)
        if entry.folder or not entry.mode & 0o111:
            text = "Is a directory" if entry.folder else "Permission denied"
            streams.complain(f"bash: line 1: {words[0]}: {text}")
            return NOT_A_PROGRAM
        interpreter = self.program("bash")
        return await interpreter(self, [path, *words[1:]], streams) if interpreter is not None else NOT_A_PROGRAM

    async def _redirected(
        self, redirections: list[Redirection], streams: Streams
    ) -> tuple[dict[str, bytearray], Streams]:
        """Return the streams of a command, and the files that are to be written when it has ended."""
        result, files = Streams(streams.input, streams.out, streams.error), dict[str, bytearray]()
        for redirection in redirections:
            operator = redirection.operator
            name = await expansion.text(self, redirection.word, streams)
            if operator in {"<<", "<<<"}:
                result.input = holding(name.encode() + (b"\n" if operator == "<<<" else b""))
            elif operator == "<":
                result.input = holding(b"" if name == "/dev/null" else self.tree.read(self.place(name)))
            elif operator == "2>&1":
                result.error = result.out
            elif operator == "1>&2":
                result.out = result.error
            elif ">&" not in operator:
                write = self._file(files, name, append=operator.endswith(">>"))
                result.out = write if operator in {">", ">>", "&>", "&>>"} else result.out
                result.error = write if operator in {"2>", "2>>", "&>", "&>>"} else result.error
        return files, result

    def _file(self, files: dict[str, bytearray], name: str, *, append: bool) -> Write:
        path = self.place(name)
        if path in ("/dev/null", "/dev/stderr", "/dev/stdout", "/dev/tty"):
            return forget
        self.tree.check_write(path)
        before = self.tree.read(path) if append and self.tree.exists(path) else b""
        files[path] = bytearray(before)
        return files[path].extend

    async def output(self, text: str, streams: Streams) -> str:
        """Return what a command prints, in a shell of its own."""
        out = bytearray()
        shell = self.child()
        try:
            self.status = await shell.run(text, Streams(streams.input, out.extend, streams.error))
        except Exit as ended:
            self.status = ended.code
        return out.decode(errors="replace").rstrip("\n")

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def beside(self, pipeline: Pipeline) -> None:
        """Start a pipeline that runs beside everything else."""
        task = asyncio.get_running_loop().create_task(in_background(self.child(), pipeline))
        _BACKGROUND.add(task)
        task.add_done_callback(_BACKGROUND.discard)

    def child(self) -> Shell:
        """Return a shell that this one starts."""
        if self.depth >= _MAX_DEPTH:
            raise ExpansionError("fork: retry: Resource temporarily unavailable")
        return replace(
            self, variables=dict(self.variables), exported=set(self.exported), arguments=list(self.arguments),
            functions=dict(self.functions), depth=self.depth + 1,
        )  # fmt: skip


async def _nothing(_shell: Shell, _args: list[str], _streams: Streams) -> int:
    return 0


def _script(path: str) -> Program:
    async def run(shell: Shell, args: list[str], streams: Streams) -> int:
        return await shell.programs["bash"](shell, [path, *args], streams)

    return run


def _assignment(word: Word) -> re.Match[str] | None:
    first = word[0]
    return _ASSIGNMENT.match(first.text) if first.kind == "text" and not first.quoted else None


_BACKGROUND: set[asyncio.Task[None]] = set()


async def in_background(shell: Shell, pipeline: Pipeline) -> None:
    """Run a pipeline to its end; nobody sees what it prints."""
    again = Pipeline(";", pipeline.commands, pipeline.negated)
    try:
        await shell.run_script([again], Streams(holding(b""), forget, forget))
    except Exit:
        return
