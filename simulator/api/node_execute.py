"""`/nodes/{node}/execute`: several calls of one node's methods in one request."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.errors import ApiError, ParamError
from simulator.formats import named_format
from simulator.router import authorize
from simulator.routing import ROUTES, Call, RouteTree, route
from simulator.schema import check, string

_METHODS = ("GET", "POST", "PUT", "DELETE")


@named_format("pve-command-batch")
def _command_batch(value: str) -> None:
    try:
        commands = json.loads(value)
    except ValueError as error:
        raise ValueError(f"commands param did not contain valid JSON: {error}") from None
    valid = isinstance(commands, list) and all(
        isinstance(item, dict)
        and isinstance(item.get("path"), str)
        and item.get("method") in _METHODS
        and isinstance(item.get("args", {}), dict)
        for item in commands
    )
    if not valid:
        raise ValueError("commands is not a valid array of commands: Parameter verification failed.\n")


@functools.cache
def _tree() -> RouteTree:
    return RouteTree(ROUTES)


@route(
    "POST",
    "/nodes/{node}/execute",
    params={"node": string(format="pve-node"), "commands": string(format="pve-command-batch")},
    protected=True,
    proxyto="node",
)
def execute(call: Call) -> list[dict[str, Any]]:
    """Run commands one after the other; one that is refused does not end the others."""
    return [_outcome(call, command) for command in json.loads(call.text("commands"))]


def _outcome(call: Call, command: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"status": 200, "data": _run(call, command)}
    except ParamError as error:
        return {"status": error.status, "message": f"{error.message}\n", "errors": error.errors}
    except ApiError as error:
        return {"status": error.status, "message": f"{error.message}\n"}


def _run(call: Call, command: Mapping[str, Any]) -> Any:
    """Run one command as if it had come by itself."""
    path = f"nodes/{call.node}/{command['path']}"
    found = _tree().find(command["method"], path)
    if found is None:
        raise ApiError(f"no handler for '{path}'")
    target, in_path = found
    given = command.get("args", {})
    twice = next((name for name in given if name in in_path), None)
    if twice is not None:
        raise ParamError({twice: "duplicate parameter"})
    values = {**given, **in_path}
    authorize(target, call.access, values, is_token="!" in call.authid)
    typed, errors = check(target.expected(values), values)
    if errors:
        raise ParamError(errors)
    return target.handler(replace(call, params=typed, raw=values, extra={}))
