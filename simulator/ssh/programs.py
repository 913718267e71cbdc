"""All commands of a node."""

from __future__ import annotations

from simulator.ssh import (
    access_tool,
    cluster_tool,
    guest_tools,
    ha_tool,
    inside_tools,
    kernel_settings,
    machine_tools,
    network_tools,
    node_tools,
    ovs_tools,
    portable,
    pvesh,
    storage_tool,
    systemd,
)
from simulator.ssh.shell import Program

PROGRAMS: dict[str, Program] = {
    **portable.PROGRAMS, **machine_tools.PROGRAMS, **network_tools.PROGRAMS, **ovs_tools.PROGRAMS,
    **systemd.PROGRAMS, **pvesh.PROGRAMS, **guest_tools.PROGRAMS, **storage_tool.PROGRAMS, **access_tool.PROGRAMS,
    **ha_tool.PROGRAMS, **cluster_tool.PROGRAMS, **node_tools.PROGRAMS,
    **inside_tools.PROGRAMS, **kernel_settings.PROGRAMS,
}  # fmt: skip
