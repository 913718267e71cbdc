"""The simulator's own time, and how it passes.

`immediate`: tasks need no time at all. `timed`: they take the seconds a real host would need, divided by
`speed`. `held`: time stands still until the control plane advances it, to see what happens in between.
With `task_seconds` every task that waits for something takes just that long, for measurements.
"""

from __future__ import annotations

import time

MODES = ("immediate", "timed", "held")


class Clock:
    """Virtual seconds since the epoch."""

    def __init__(self) -> None:
        """Begin with the real time and with tasks that need none."""
        self.mode = "immediate"
        self.speed = 1.0
        self.task_seconds: float | None = None
        self._virtual = time.time()
        self._real = time.monotonic()

    def reset(self) -> None:
        """Go back to the real time and to tasks that need none."""
        self.mode, self.speed, self.task_seconds = "immediate", 1.0, None
        self._anchor(time.time())

    @property
    def rate(self) -> float:
        """Tell how many virtual seconds pass in a real one."""
        return {"immediate": 1.0, "timed": self.speed, "held": 0.0}[self.mode]

    def now(self) -> float:
        """Return the virtual time."""
        return self._virtual + (time.monotonic() - self._real) * self.rate

    def passed(self, since: float, seconds: float) -> bool:
        """Tell whether so much time has passed; nothing takes time on the immediate clock."""
        return self.mode == "immediate" or self.now() - since >= seconds

    def set_mode(self, mode: str, speed: float = 1.0) -> None:
        """Let time pass in another way from now on."""
        self._anchor(self.now())
        self.mode, self.speed = mode, speed

    def advance(self, seconds: float) -> None:
        """Move on by so many virtual seconds."""
        self._anchor(self.now() + seconds)

    def _anchor(self, virtual: float) -> None:
        self._virtual, self._real = virtual, time.monotonic()
