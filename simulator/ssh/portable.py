"""The commands that work on any machine's file tree, a node's or that of a guest."""

from __future__ import annotations

from simulator.ssh import builtins, conditions, files, looking, machine_tools, sed, text_tools
from simulator.ssh.shell import Program

PROGRAMS: dict[str, Program] = {
    **builtins.PROGRAMS, **conditions.PROGRAMS, **files.PROGRAMS, **looking.PROGRAMS, **sed.PROGRAMS,
    **text_tools.PROGRAMS, **machine_tools.PORTABLE,
}  # fmt: skip
