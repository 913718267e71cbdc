"""`/etc/pve/datacenter.cfg` and the `config` of a node: settings, one a line, under a description."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

from simulator.records import Setting
from simulator.routing import ROUTES
from simulator.schema import Param
from simulator.ssh import settings_file
from simulator.state import Datacenter

_ENCODED = ("consent-text",)


@functools.cache
def _params(path: str) -> Mapping[str, Param]:
    """Return the settings that there are: what the API's own method takes."""
    method = next(route for route in ROUTES if (route.method, route.path) == ("PUT", path))
    return {name: param for name, param in method.expanded.items() if name not in ("delete", "digest", "node")}


def render(options: Mapping[str, str]) -> str:
    """Write the settings of the datacenter."""
    return settings_file.render(options, _ENCODED)


def parse(text: str) -> dict[str, str]:
    """Read the settings of the datacenter."""
    return settings_file.parse("datacenter.cfg", text, _params("/cluster/options"), _ENCODED)


def write(datacenter: Datacenter, text: str) -> None:
    """Let the file be the state."""
    options = parse(text)
    for name in set(datacenter.options.keys()) - set(options):
        datacenter.options.delete(name)
    for name, value in options.items():
        datacenter.options.put(Setting(name=name, value=value))


def render_node(datacenter: Datacenter, node: str) -> str:
    """Write the settings of a node."""
    return settings_file.render(datacenter.nodes[node].config)


def parse_node(text: str) -> dict[str, str]:
    """Read the settings of a node."""
    return settings_file.parse("config", text, _params("/nodes/{node}/config"))


def write_node(datacenter: Datacenter, node: str, text: str) -> None:
    """Let the file be the state."""
    datacenter.nodes.put(replace(datacenter.nodes[node], config=parse_node(text)))
