"""The ways in which a call or a task can be refused, each with the words Proxmox uses for it.

The router turns what is raised here into a status code, a reason line and a body; nothing else in the
simulator builds an error answer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping


def unwritable(path: str) -> str:
    """Return the words for a file below `/etc/pve` that cannot be written, because the cluster is not quorate."""
    return f"unable to open file '{path}.tmp.{os.getpid()}' - Permission denied"


class ApiError(Exception):
    """A call is refused: status code and message (the message is the reason line as well)."""

    def __init__(
        self, message: str, status: int = 500, *, newline: bool = True, errors: Mapping[str, str] | None = None
    ) -> None:
        """Keep the message; `newline` tells whether the body's message ends in one, as a Perl `die` does.

        `errors` stands beside the message where there are several things to complain of.
        """
        super().__init__(message)
        self.message = message
        self.status = status
        self.newline = newline
        self.errors = dict(errors or {})


class ParamError(ApiError):
    """Parameters are wrong: 400 with one text per parameter."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Keep one error text per parameter name."""
        super().__init__("Parameter verification failed.", 400, errors=errors)


class PermissionDenied(ApiError):
    """The user lacks a privilege: 403, naming path and privilege where Proxmox names them."""

    def __init__(self, detail: str = "") -> None:
        """Build the message from the detail, such as `/vms/100, VM.Audit`."""
        super().__init__(f"Permission check failed ({detail})" if detail else "Permission check failed", 403)


class Unauthorized(ApiError):
    """Ticket, token or CSRF token are missing or wrong: 401 with an empty body."""

    def __init__(self, message: str) -> None:
        """Keep the message for the reason line."""
        super().__init__(message, 401)


class NotImplementedHere(ApiError):
    """No such path or method, or one that is not simulated: 501."""

    def __init__(self, message: str) -> None:
        """Keep the message, which has no newline here."""
        super().__init__(message, 501, newline=False)


class NodeUnreachable(ApiError):
    """The node that should answer is down: 595 with an empty body."""

    def __init__(self) -> None:
        """Use the words of the network error that a proxying node reports."""
        super().__init__("No route to host", 595)


class LockBusy(Exception):
    """A call needs a lock file that a running task holds; the router waits and tries the call again."""

    def __init__(self, path: str) -> None:
        """Keep the path of the lock file."""
        super().__init__(path)
        self.path = path


class TaskError(Exception):
    """A task fails; the text becomes its exit status and its last log line."""
