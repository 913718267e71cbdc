"""How a shell runs groups, conditions, loops and functions."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from simulator.ssh import expansion
from simulator.ssh.leaving import Exit, Leave
from simulator.ssh.syntax import Case, Choice, Each, Function, Group, Loop, Node, Script

if TYPE_CHECKING:
    from simulator.ssh.shell import Shell
    from simulator.ssh.streams import Streams

_MAX_CALLS = 12


async def run(shell: Shell, node: Node, streams: Streams) -> int:
    """Run a compound command."""
    match node:
        case Group():
            return await _group(shell, node, streams)
        case Choice():
            return await _choice(shell, node, streams)
        case Loop():
            return await _loop(shell, node, streams)
        case Each():
            return await _each(shell, node, streams)
        case Case():
            return await _case(shell, node, streams)
        case Function():
            shell.functions[node.name] = node.body
    return 0


async def _group(shell: Shell, node: Group, streams: Streams) -> int:
    if not node.own_shell:
        return await shell.run_script(node.body, streams)
    try:
        return await shell.child().run_script(node.body, streams)
    except Exit as ended:
        return ended.code


async def _choice(shell: Shell, node: Choice, streams: Streams) -> int:
    for condition, body in node.branches:
        if await shell.run_script(condition, streams, tested=True) == 0:
            return await shell.run_script(body, streams)
    shell.status = 0
    return await shell.run_script(node.otherwise, streams)


async def _loop(shell: Shell, node: Loop, streams: Streams) -> int:
    code = 0
    while (await shell.run_script(node.condition, streams, tested=True) == 0) != node.until:
        ended, code = await _round(shell, node.body, streams)
        if ended:
            break
    shell.status = code
    return code


async def _each(shell: Shell, node: Each, streams: Streams) -> int:
    values = list(shell.arguments)
    if node.words is not None:
        values = [text for word in node.words for text in await expansion.fields(shell, word, streams)]
    code = 0
    for value in values:
        shell.variables[node.name] = value
        ended, code = await _round(shell, node.body, streams)
        if ended:
            break
    return code


async def _round(shell: Shell, body: Script, streams: Streams) -> tuple[bool, int]:
    """Run the body of a loop once; tell whether it was the last time."""
    try:
        return False, await shell.run_script(body, streams)
    except Leave as leave:
        if leave.what == "return":
            raise
        if leave.code > 1:
            raise Leave(leave.what, leave.code - 1) from None
        return leave.what == "break", 0


async def _case(shell: Shell, node: Case, streams: Streams) -> int:
    text = await expansion.text(shell, node.word, streams)
    for patterns, body in node.branches:
        for word in patterns:
            if fnmatch.fnmatchcase(text, await expansion.pattern(shell, word, streams)):
                shell.status = 0
                return await shell.run_script(body, streams)
    return 0


async def call(shell: Shell, body: Node, arguments: list[str], streams: Streams) -> int:
    """Run a function with arguments of its own."""
    kept, shell.arguments = shell.arguments, arguments
    shell.depth += 1
    if shell.depth > _MAX_CALLS:
        raise expansion.ExpansionError("maximum function nesting level exceeded")
    try:
        return await shell.run_node(body, streams)
    except Leave as leave:
        if leave.what != "return":
            raise
        return leave.code
    finally:
        shell.arguments = kept
        shell.depth -= 1
