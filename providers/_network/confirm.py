"""Applying a change of the network so that it can't lock anybody out: confirmed, or undone by the node itself.

Before the change is applied, the node is told to put the old file back after some seconds. If afterwards everything
answers again that answered before, over connections made anew, the node is told to leave it. If not, nothing has to
reach the node for the old network to come back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from providers._network.site import file_text, network_path, write_text
from providers._network.text import PATH, STAGED_PATH
from providers._runtime import retry, tasks
from providers._runtime.api import Api
from providers._runtime.connection import Connection
from providers._runtime.errors import (
    ApiRefused,
    CommandFailed,
    CutOff,
    LoginRefused,
    NotTrusted,
    TaskFailed,
    TookTooLong,
    Unreachable,
)
from providers._runtime.facts import Facts

if TYPE_CHECKING:
    from providers._runtime.ssh import Ssh

SSH = -1
"""The place of SSH among the ways to a node."""
PROBE_SECONDS = 5.0
PAUSE = 0.3
RESTORE_SECONDS = 60.0
"""How long the node may take to set up the old network, once its time has come."""
WHAT = "applying the network"


@dataclass(frozen=True)
class Confirmed:
    """One change that is applied under guard."""

    api: Api
    node: str
    seconds: float
    """How long the node waits before it puts the old network back."""
    moved: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the node that become others: old -> new."""

    @property
    def unit(self) -> str:
        """The name of the timer on the node."""
        return f"proxmox-labs-network-{self.api.owner.key}"

    @property
    def aside(self) -> str:
        """Where the old file is meanwhile."""
        return f"{PATH}.before-{self.api.owner.key}"

    def apply(self, old: str, new: str) -> None:
        """Put what is staged (`new`) in effect; raises CutOff where it had to be taken back."""
        before = self.api.client.connection
        doors = [door for door in self._doors() if self._answers(before, door)]
        self._arm(old)
        armed = time.monotonic()
        try:
            reason = self._applied(armed + self.seconds)
        except (TaskFailed, ApiRefused) as failed:
            self._restore_at_once()
            raise CutOff(f"{failed}; the old network of {self.node} is back") from None
        if reason is None and self._all_answer(doors, armed + self.seconds):
            self._follow()
            self._disarm(new)
            return
        self._wait_for_the_old_network(old, armed)
        raise CutOff(
            f"the change cut {self.node} off ({reason or 'it did not answer again'}), and after {self.seconds:g} s the "
            f"node has put its old network back"
        )

    def settle_a_died_run(self) -> None:
        """A timer that an earlier run armed and did not live to disarm: the node answers, so the change was good."""
        if self._runs(["systemctl", "is-active", "--quiet", f"{self.unit}.timer"]):
            self._call(["systemctl", "stop", f"{self.unit}.timer"])
        self.api.client.ssh.remove(self.node, self.aside, deadline=self.api.deadline)

    # ------------------------------------------------------------ the guard

    def _arm(self, old: str) -> None:
        write_text(self.api, self.node, self.aside, old)
        self._call([
            "systemd-run", "--collect", f"--unit={self.unit}", f"--on-active={self.seconds:g}",
            "--timer-property=AccuracySec=1s", *restore_command(self.aside),
        ])  # fmt: skip

    def _disarm(self, new: str) -> None:
        """Tell the node to leave the new network; had its time come meanwhile, the old one is back."""
        self._call(["systemctl", "stop", f"{self.unit}.timer"])
        found = file_text(self.api.client.ssh, self.node, PATH, self.api.deadline)
        self.api.client.ssh.remove(self.node, self.aside, deadline=self.api.deadline)
        if found != new:
            raise CutOff(f"{self.node} has put its old network back: it was not confirmed within {self.seconds:g} s")

    def _restore_at_once(self) -> None:
        self._call(["systemctl", "stop", f"{self.unit}.timer"])
        self._call(restore_command(self.aside))

    def _wait_for_the_old_network(self, old: str, armed: float) -> None:
        """Until the node is there again as it was."""
        until = armed + self.seconds + RESTORE_SECONDS
        self.api.say(f"{self.node} does not answer; it puts its old network back by itself")
        while time.monotonic() < until:
            try:
                with closing(self.api.client.anew(self.api.client.connection)) as client:
                    deadline = time.monotonic() + PROBE_SECONDS
                    if self._is_back(client.ssh, old, deadline):
                        self.api.client.ssh.drop(self.node)
                        return
            except (Unreachable, TookTooLong, CommandFailed):
                pass
            time.sleep(PAUSE)
        raise CutOff(
            f"the change cut {self.node} off, and it has not come back within {RESTORE_SECONDS:g} s after it was to "
            f"put its old network back; the old file is {self.aside} on the node"
        )

    def _is_back(self, ssh: Ssh, old: str, deadline: float) -> bool:
        """Whether the old file is in its place, and the node has done all that it was to do."""
        found = file_text(ssh, self.node, PATH, deadline)
        return found == old and ssh.read(self.node, self.aside, deadline=deadline) is None

    # ------------------------------------------------------------ applying, and looking

    def _applied(self, until: float) -> str | None:
        """Apply, and wait for the task wherever the node answers by then; returns why it did not."""
        try:
            upid = str(replace(self.api, deadline=min(self.api.deadline, until)).put(network_path(self.node)))
        except (Unreachable, TookTooLong) as lost:
            return str(lost)
        reason = "it did not answer again"
        while time.monotonic() < until - PAUSE:
            for connection in (self._connection(), self.api.client.connection):
                try:
                    self._wait(connection, upid, until)
                except (Unreachable, TookTooLong) as lost:
                    reason = str(lost)
                except ApiRefused as refused:
                    if retry.passing(refused) is None:
                        raise
                    reason = str(refused)
                else:
                    return None
            time.sleep(PAUSE)
        return reason

    def _wait(self, connection: Connection, upid: str, until: float) -> None:
        """Wait for the task over connections made anew, for a moment."""
        deadline = min(time.monotonic() + PROBE_SECONDS, until)
        with closing(self.api.client.anew(connection)) as client:
            api = replace(self.api, client=client, facts=Facts(client), deadline=deadline)
            tasks.wait(api, upid, f"{WHAT} of {self.node}")

    def _all_answer(self, doors: list[int], until: float) -> bool:
        """Whether everything that answered before answers again in time."""
        left = list(doors)
        while left and time.monotonic() < until - PAUSE:
            left = [door for door in left if not self._answers(self._connection(), door)]
            if left:
                time.sleep(PAUSE)
        return not left

    def _connection(self) -> Connection:
        """Where the node is with the new network."""
        return self.api.client.connection.at(self.moved)

    def _doors(self) -> range:
        """The ways to the node: each endpoint of the API by its place in the list, and SSH."""
        return range(SSH, len(self.api.client.connection.endpoints))

    def _answers(self, connection: Connection, door: int) -> bool:
        """Whether the node answers over a connection made anew."""
        deadline = time.monotonic() + PROBE_SECONDS
        only = {} if door == SSH else {"endpoints": [connection.endpoints[door]]}
        try:
            with closing(self.api.client.anew(connection.model_copy(update=only))) as client:
                if door == SSH:
                    client.ssh.check(self.node, ["true"], deadline=deadline)
                else:
                    client.request("GET", network_path(self.node), deadline=deadline, attempts=1)
        except (Unreachable, TookTooLong, CommandFailed, ApiRefused, LoginRefused, NotTrusted):
            return False
        return True

    def _follow(self) -> None:
        """Go on where the node is now, and say what has to be written down."""
        before, now = self.api.client.connection, self._connection()
        if now == before:
            return
        self.api.client.follow(now)
        self.api.warn(
            f"{self.node} has another address now: in connection {self.api.client.name!r}, "
            + ", ".join(f"{old} becomes {new}" for old, new in self.moved.items())
        )

    def _call(self, command: list[str]) -> None:
        """A command on the node that has to succeed; over a new connection where the old one is dead."""
        try:
            self.api.client.ssh.check(self.node, command, deadline=self.api.deadline)
        except Unreachable:
            self.api.client.ssh.drop(self.node)
            self.api.client.ssh.check(self.node, command, deadline=self.api.deadline)

    def _runs(self, command: list[str]) -> bool:
        return self.api.client.ssh.run(self.node, command, deadline=self.api.deadline).code == 0


def restore_command(aside: str) -> list[str]:
    """What the node does when nobody has told it to leave the new network."""
    return ["/bin/sh", "-c", f"cp {aside} {PATH} && rm -f {STAGED_PATH} && ifreload -a; rm -f {aside}"]


def apply_unconfirmed(api: Api, node: str) -> None:
    """Put what is staged in effect, and hope."""
    api.run(f"{WHAT} of {node}", "PUT", network_path(node))
