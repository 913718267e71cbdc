"""One change of a node's network from beginning to end: stage, compare with what was announced, apply, keep in mind."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from providers._network.confirm import Confirmed, apply_unconfirmed
from providers._network.interface import Interface
from providers._network.plan import Step, steps
from providers._network.settings import Network, Settings, lines_of, rules_of
from providers._network.site import (
    Kept,
    Site,
    digest,
    file_text,
    forget,
    keep,
    kept_on,
    look,
    network_path,
    write_text,
)
from providers._network.text import PATH, STAGED_PATH, difference, with_lines
from providers._runtime.api import Api, quoted
from providers._runtime.errors import ApiRefused, ConfigProblem, ForeignChange, ProxmoxError

CONFIRM_SECONDS = 60


@dataclass(frozen=True)
class Transaction:
    """A change of a node's network, from what is there to a goal."""

    api: Api
    node: str
    confirm_seconds: float = CONFIRM_SECONDS
    unconfirmed: bool = False

    @property
    def by_ssh(self) -> bool:
        """Whether the node is reached over SSH."""
        return self.api.client.ssh.reaches(self.node)

    def carry_out(self, site: Site, goal: Network, names: Iterable[str]) -> None:
        """Bring the named interfaces to the goal; nothing else changes, and nothing at all if this raises."""
        self._may_apply()
        self._refuse_foreign(site, goal)
        if site.pending:
            self.api.delete(network_path(self.node))
        self._stage(site.network, goal, names)
        if not look(self.api, self.node).pending:
            return
        old, new = self._text(PATH), self._text(STAGED_PATH)
        kept = kept_on(self.api.client.ssh, self.api.owner, self.node, self.api.deadline)
        after = replace(kept, applied=digest(new)) if kept else Kept(old, digest(new))
        self._apply(old, new, moved(site.network, goal), after, kept)
        self._take_rules_away(site.network, goal)

    def take_back(self, site: Site, goal: Network, names: Iterable[str]) -> None:
        """Bring them back to what they were; to the very text of the file, where nobody else has changed it since."""
        self._may_apply()
        self._refuse_foreign(site, goal)
        if site.pending:
            self.api.delete(network_path(self.node))
        kept = kept_on(self.api.client.ssh, self.api.owner, self.node, self.api.deadline)
        old = self._text(PATH)
        if kept is not None and digest(old) == kept.applied:
            write_text(self.api, self.node, STAGED_PATH, kept.first)
        else:
            self._stage(site.network, goal, names)
        if self._is_staged() if self.by_ssh else look(self.api, self.node).pending:
            self._apply(old, self._text(STAGED_PATH), moved(site.network, goal), kept, kept)
            self._take_rules_away(site.network, goal)
        if self.by_ssh:
            forget(self.api, self.node)

    # ------------------------------------------------------------ the steps

    def _may_apply(self) -> None:
        if not self.by_ssh and not self.unconfirmed:
            raise ConfigProblem(no_way_back(self.api.client.name, self.node))
        if self.by_ssh:
            Confirmed(self.api, self.node, self.confirm_seconds).settle_a_died_run()

    def _refuse_foreign(self, site: Site, goal: Network) -> None:
        names = site.foreign(goal)
        if names:
            raise ForeignChange(foreign_words(self.node, names))

    def _stage(self, there: Network, goal: Network, names: Iterable[str]) -> None:
        """Stage the change, and compare it with the goal; takes it back where Proxmox made something else of it."""
        try:
            for step in steps(there, goal, names):
                self._send(step)
            self._write_lines(there, goal)
        except ApiRefused:
            self.api.delete(network_path(self.node))
            raise
        found = look(self.api, self.node)
        unlike = sorted(name for name in {*found.staged, *goal} if _known(found.staged, name) != _known(goal, name))
        if unlike:
            self.api.delete(network_path(self.node))
            raise ProxmoxError(
                f"Proxmox staged something else than was announced for {', '.join(unlike)} of {self.node}, and nothing "
                f"was applied. Announced: {_in_line(difference(there, goal))}. Staged: {_in_line(found.pending)}"
            )

    def _send(self, step: Step) -> None:
        path = network_path(self.node)
        if step.method == "POST":
            self.api.post(path, {"iface": step.name, **step.parameters})
        elif step.method == "PUT":
            self.api.put(f"{path}/{quoted(step.name)}", step.parameters)
        else:
            self.api.delete(f"{path}/{quoted(step.name)}")

    def _write_lines(self, there: Network, goal: Network) -> None:
        """Put the lines that the API can't write into the staged file."""
        staged = look(self.api, self.node).staged
        wrong = [name for name in sorted(goal) if lines_of(name, staged.get(name, {})) != lines_of(name, goal[name])]
        if not wrong:
            return
        text = self._text(STAGED_PATH) if self._is_staged() else self._text(PATH)
        for name in wrong:
            text = with_lines(text, name, lines_of(name, staged.get(name, {})), lines_of(name, goal[name]))
        write_text(self.api, self.node, STAGED_PATH, text)

    def _apply(self, old: str, new: str, moved: dict[str, str], kept: Kept | None, before: Kept | None) -> None:
        """Put it in effect, under guard where there is a way to set one."""
        if not self.by_ssh:
            apply_unconfirmed(self.api, self.node)
            return
        if kept is not None:
            keep(self.api, self.node, kept)
        try:
            Confirmed(self.api, self.node, self.confirm_seconds, moved).apply(old, new)
        except ProxmoxError:
            with suppress(ProxmoxError):  # the node may be gone for good, and that is what has to be told
                self.api.delete(network_path(self.node))
                forget(self.api, self.node) if before is None else keep(self.api, self.node, before)
            raise

    def _take_rules_away(self, there: Network, goal: Network) -> None:
        """A rule of a line that is gone stays in the kernel until the interface goes down."""
        for name in sorted(there):
            kept = rules_of(name, goal.get(name, {}))
            for rule in rules_of(name, there[name]):
                if rule not in kept:
                    self.api.client.ssh.run(self.node, rule.command("-D").split(), deadline=self.api.deadline)

    def _text(self, path: str) -> str:
        """A file of the node; empty without a way to look."""
        return (file_text(self.api.client.ssh, self.node, path, self.api.deadline) or "") if self.by_ssh else ""

    def _is_staged(self) -> bool:
        return bool(self._text(STAGED_PATH))


def _known(network: Network, name: str) -> Settings:
    """An interface without settings that have no field: a later Proxmox may add some of its own."""
    return {key: value for key, value in network.get(name, {}).items() if key in Interface.model_fields}


def moved(there: Network, goal: Network) -> dict[str, str]:
    """The addresses of interfaces that become others, old -> new; one that another interface takes over stays."""
    kept = {settings[key] for settings in goal.values() for key in ("cidr", "cidr6") if key in settings}
    return {
        str(settings[key]).partition("/")[0]: str(goal[name][key]).partition("/")[0]
        for name, settings in there.items()
        for key in ("cidr", "cidr6")
        if key in settings and key in goal.get(name, {}) and settings[key] not in kept
    }


def no_way_back(connection: str, node: str) -> str:
    """Why a change can't be applied."""
    return (
        f"connection {connection!r} has no way to {node} over SSH, so nothing could undo a change that cuts the node "
        f"off; to apply it all the same, set unconfirmed=True"
    )


def foreign_words(node: str, names: Iterable[Any]) -> str:
    """Why nothing is staged on top of somebody else's change."""
    return (
        f"somebody else's change of {', '.join(names)} waits to be applied on {node}, and would be applied with ours: "
        f"apply it, or discard it with `pvesh delete /nodes/{node}/network`"
    )


def _in_line(text: str) -> str:
    """A diff in one line: what is added and taken away."""
    lines = [line for line in text.splitlines() if line[:1] in "+-" and not line.startswith(("+++", "---"))]
    return " | ".join(line.replace("\t", " ") for line in lines) or "nothing"
