"""How the command line tools call the API: options become parameters, tasks are waited for, refusals are printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.errors import ApiError, NodeUnreachable, ParamError
from simulator.routing import ROUTES, RouteTree
from simulator.schema import Param
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Streams

FAILED, NO_FILE = 255, 2
_TREE = RouteTree(ROUTES)
_DISPLAY = ("output-format", "human-readable", "noborder", "noheader", "quiet", "noproxy")


class UsageError(Exception):
    """The options cannot be read; the text is what a tool prints."""


@dataclass(slots=True)
class Options:
    """What was given on a command line: positional words, parameters, and how to print the answer."""

    words: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    display: dict[str, str] = field(default_factory=dict)

    @property
    def form(self) -> str:
        """Return the format of the output."""
        return self.display.get("output-format", "text")


def params_of(method: str, path: str) -> Mapping[str, Param]:
    """Return the parameters of a method, those of all its variants, or none when there is no such method."""
    found = _TREE.find(method, path)
    if found is None:
        return {}
    return {**found[0].expanded, **{name: p for some in found[0].variants.values() for name, p in some.items()}}


def path_parameters(method: str, path: str) -> Mapping[str, str]:
    """Return the parameters that a path itself gives."""
    found = _TREE.find(method, path)
    return found[1] if found is not None else {}


def has_method(method: str, path: str) -> bool:
    """Tell whether the API has a method."""
    return _TREE.find(method, path) is not None


def read_options(args: list[str], params: Mapping[str, Param]) -> Options:
    """Read `--name value`, `--name=value` and flags; an option that is given twice is a list."""
    result, left = Options(), list(args)
    while left:
        word = left.pop(0)
        if not word.startswith("-") or word == "-" or _is_number(word):
            result.words.append(word)
            continue
        name, given, value = word.lstrip("-").partition("=")
        if name not in params and name not in _DISPLAY:
            raise UsageError(f"Unknown option: {name}\n400 unable to parse option")
        if not given:
            value = _value(name, left, params)
        if name in _DISPLAY:
            result.display[name] = value
        elif name in result.values:
            before = result.values[name]
            result.values[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            result.values[name] = value
    return result


def _is_number(word: str) -> bool:
    return word[1:].isdigit()


def _value(name: str, left: list[str], params: Mapping[str, Param]) -> str:
    """Take the value of an option from the words that follow; a flag may stand alone."""
    is_flag = params[name].type == "boolean" if name in params else name not in {"output-format"}
    if is_flag and (not left or left[0] not in {"0", "1", "yes", "no", "on", "off", "true", "false"}):
        return "1"
    if not left:
        raise UsageError(f"Option {name} requires an argument\n400 unable to parse option")
    value = left.pop(0)
    if is_flag:
        return "1" if value in {"1", "yes", "on", "true"} else "0"
    return value


def is_upid(data: object) -> bool:
    """Tell whether an answer is the id of a task."""
    return isinstance(data, str) and data.startswith("UPID:")


async def finished(shell: NodeShell, upid: str, log: Streams) -> int:
    """Print a task's log while it runs, as a tool does that runs the task itself, and return the exit code."""
    shown = 0
    while True:
        task = shell.datacenter.tasks.get(upid)  # in another datacenter once the node has joined that
        if task is None:
            return FAILED
        ended = task.exitstatus is not None
        for line in task.log[shown:-1] if ended else task.log[shown:]:
            log.say(line)
        shown = len(task.log)
        if task.exitstatus is not None:
            break
        await shell.tree.changed()
    if task.exitstatus == "OK" or task.exitstatus.startswith("WARNINGS: "):
        return 0
    log.complain(task.exitstatus)
    return FAILED


def refused(shell: NodeShell, refusal: ApiError, usage: str, streams: Streams) -> int:
    """Print a refusal as a tool does, and return the exit code."""
    if isinstance(refusal, ParamError):
        streams.complain("400 Parameter verification failed.")
        for name, text in refusal.errors.items():
            streams.complain(f"{name}: {text.rstrip()}")
        if usage:
            streams.complain(usage)
        return FAILED
    if isinstance(refusal, NodeUnreachable):
        streams.complain(f"ssh: connect to host port 22: {refusal.message}\nfrom {shell.node}")
        return FAILED
    streams.complain(refusal.message)
    missing = refusal.message.startswith("Configuration file '") and refusal.message.endswith("does not exist")
    return NO_FILE if missing else FAILED
