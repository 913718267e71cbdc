"""Everything that can go wrong, as one tree. Every message is one line that a user can act on.

ProxmoxError
├── ConfigProblem          the stack's configuration can't be used (names the key and the remedy)
├── InvalidValue           a value that Proxmox would not take (names the field)
├── Unreachable            no endpoint of a connection answered
│   └── Unanswered         a request was sent and its answer never came: it may have been carried out
├── NotTrusted             TLS or SSH host key verification failed
├── LoginRefused           the credentials were refused
├── ApiRefused             Proxmox answered a request with an error, in its own words
├── CommandFailed          a command on a node, or inside a guest, ended with an error
├── TaskFailed             a Proxmox task ended with an error; carries the last lines of its log
├── CutOff                 a change of a node's network cut it off, and the old network is back
├── ForeignChange          somebody else's change waits to be applied
├── TookTooLong            a deadline passed
├── AlreadyThere           the object to create exists and belongs to somebody else
├── Missing                the object to adopt, or one that is needed, does not exist
├── DataAtRisk             what was asked would destroy data, and nobody allowed that
└── ShutsOut               what was asked would shut out the connection, a node or a guest, and nobody allowed that
"""

from __future__ import annotations

import re


class ProxmoxError(Exception):
    """The root of the tree: anything that a user may have to read."""


class ConfigProblem(ProxmoxError):
    """The stack's configuration can't be used."""


class InvalidValue(ProxmoxError, ValueError):
    """A value that Proxmox would not take; a ValueError, so that pydantic reports it with its field."""


class Unreachable(ProxmoxError):
    """No endpoint of a connection answered."""


class Unanswered(Unreachable):
    """A request that changes something was sent, and no answer came: it may have been carried out."""


class NotTrusted(ProxmoxError):
    """The endpoint could not prove that it is the one that the stack means."""


class LoginRefused(ProxmoxError):
    """The credentials were refused."""


class ApiRefused(ProxmoxError):
    """Proxmox answered with an error: its status, its reason and its errors by parameter."""

    def __init__(self, method: str, path: str, status: int, reason: str, errors: dict[str, str]) -> None:
        self.method = method
        self.path = path
        self.status = status
        self.reason = reason.strip()
        self.errors = {name: text.strip() for name, text in errors.items()}
        details = "; ".join(f"{name}: {text}" for name, text in self.errors.items())
        self.words = f"{self.reason} {details}".strip()
        super().__init__(f"{self.words} ({method} {path}, status {status})")

    def says(self, pattern: str) -> bool:
        """Whether Proxmox's words contain `pattern`: it answers 500 for most things, so only the words tell."""
        return re.search(pattern, self.words) is not None


class CommandFailed(ProxmoxError):
    """A command on a node, or inside a guest, ended with an error; tells the end of what it said."""

    def __init__(self, what: str, code: int, error: bytes) -> None:
        self.code = code
        lines = error.decode(errors="replace").strip().splitlines()[-3:]
        super().__init__(f"{what} ended with {code}" + (f": {' | '.join(lines)}" if lines else ""))


class TaskFailed(ProxmoxError):
    """A task ended with an error."""

    def __init__(self, what: str, upid: str, exitstatus: str, log: list[str]) -> None:
        self.upid = upid
        self.exitstatus = exitstatus
        self.log = log
        tail = " | ".join(line for line in log if line and not line.startswith("TASK ERROR"))
        super().__init__(f"{what} failed: {exitstatus}" + (f" (task log: {tail})" if tail else ""))


class CutOff(ProxmoxError):
    """A change of a node's network cut the node off; the node has put the old one back."""


class ForeignChange(ProxmoxError):
    """Somebody else's change waits to be applied, and applying ours would put it in effect as well."""


class TookTooLong(ProxmoxError):
    """A deadline passed before Proxmox was done."""


class AlreadyThere(ProxmoxError):
    """The object to create exists already and is not this resource's."""


class Missing(ProxmoxError):
    """An object that has to exist does not."""


class DataAtRisk(ProxmoxError):
    """What was asked would destroy data, and nobody allowed that."""


class ShutsOut(ProxmoxError):
    """What was asked would shut out the connection itself, a node or a guest, and nobody allowed that."""
