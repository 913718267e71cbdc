"""How shells, loops and functions are left before their end."""

from __future__ import annotations


class Exit(Exception):
    """The shell is told to end."""

    def __init__(self, code: int) -> None:
        """Keep the exit code."""
        super().__init__(code)
        self.code = code


class Leave(Exception):
    """A loop is left (`break`), begun again (`continue`), or a function ends (`return`)."""

    def __init__(self, what: str, code: int = 0) -> None:
        """Keep what is left, and how often (loops) or with which code (functions)."""
        super().__init__(what, code)
        self.what = what
        self.code = code
