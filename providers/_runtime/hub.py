"""What one plugin process has once: the connections with their clients, the shared facts, and its voice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from providers._runtime import connection as connections
from providers._runtime import host
from providers._runtime.api import Api
from providers._runtime.errors import ConfigProblem
from providers._runtime.facts import Facts
from providers._runtime.ownership import Owner


class Hub:
    """The plugin's shared state; made at the first resource and there until the process ends."""

    def __init__(self, config: Mapping[str, Any], project_dir: Path) -> None:
        if host.in_plugin():
            host.one_line_errors()  # first of all: what follows may find the configuration wrong
        self.voice = host.Voice()
        self.parallel = _parallel(config)
        self.impacts: dict[str, str | None] = {}
        """URN -> what its change takes, as the preview at hand has said."""
        self._connections = connections.load(config, project_dir)
        self._guard = threading.Lock()
        self._facts: dict[str, Facts] = {}
        self._warned: set[str] = set()
        self._widen()
        for name, connection in self._connections.items():
            if connection.insecure:
                self.warn_once(
                    "",
                    f"connection {name!r} is `insecure`: anybody on the way can read and change everything",
                )

    def facts(self, name: str | None) -> Facts:
        """The facts of a connection, and with them its client."""
        from providers._runtime.client import Client  # noqa: PLC0415 - the program imports this module, and asks nobody

        picked = connections.pick(self._connections, name)
        with self._guard:
            if picked not in self._facts:
                client = Client(picked, self._connections[picked], self.parallel)
                self._facts[picked] = Facts(client, self.facts)
            return self._facts[picked]

    def api(self, name: str | None, urn: str, seconds: float) -> Api:
        """What a handler needs for one call that may take that long."""
        facts = self.facts(name)
        return Api(
            client=facts.client,
            facts=facts,
            owner=Owner.of_urn(urn),
            deadline=time.monotonic() + seconds,
            say=lambda text: self.voice.status(urn, text),
            warn=lambda text: self.voice.warning(urn, text),
            note=lambda text: self.voice.note(urn, text),
        )

    def warn_once(self, urn: str, text: str) -> None:
        """Say something that would else be said for every resource."""
        with self._guard:
            if text in self._warned:
                return
            self._warned.add(text)
        self.voice.warning(urn, text)

    def _widen(self) -> None:
        if not host.in_plugin():
            return
        if not host.widen(self.parallel):
            self.warn_once("", "Pulumi's dynamic host has changed: resources are handled four at a time")
        host.end_with_the_engine()


def _parallel(config: Mapping[str, Any]) -> int:
    given = config.get(connections.PARALLEL_KEY, host.DEFAULT_PARALLEL)
    try:
        parallel = int(given)
    except (TypeError, ValueError):
        parallel = 0
    if not 1 <= parallel <= 512:  # noqa: PLR2004 - named in the message
        raise ConfigProblem(f"{connections.PARALLEL_KEY}: {given!r} is not a number from 1 to 512")
    return parallel


_hub: Hub | None = None
_lock = threading.Lock()


def open_hub(make: Callable[[], Hub]) -> None:
    """Make the process's hub, once."""
    global _hub  # noqa: PLW0603 - one plugin process, one hub
    with _lock:
        if _hub is None:
            _hub = make()


def the_hub() -> Hub:
    """The process's hub."""
    if _hub is None:
        raise ConfigProblem("the provider was used before it was configured")
    return _hub
