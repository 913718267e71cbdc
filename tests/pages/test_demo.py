"""A newcomer's way: the quick start, and then everything that is done with a lab that is up."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from simulator import daemon
from tests.conftest import Simulator
from tests.pages.reader import Reader, git

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

GUESTS = {"web-1": "qemu", "web-2": "qemu", "dns": "lxc"}


def simulated(reader: Reader) -> Simulator:
    """The host that the reader's demo runs on."""
    home = reader.checkout / ".simulator" / "standalone"
    running = daemon.find(home)
    assert running is not None
    return Simulator(running, home.parent)


def guests(reader: Reader) -> dict[str, dict[str, Any]]:
    """The guests of the demo as the host has them, by name."""
    rows = simulated(reader).by_hand("GET", "/cluster/resources", {"type": "vm"})
    return {row["name"]: row for row in rows if row["name"] in GUESTS}


def test_the_quick_start(reader: Reader) -> None:
    reader.read("docs/quick-start.md")


def test_a_lab_is_drawn_looked_after_changed_by_several_and_saved(reader: Reader) -> None:
    reader.values |= {"<its hosts>": "standalone", "<lab>": "demo", "<stack>": "demo"}
    reader.read("CONTRIBUTING.md")
    assert git(reader.checkout, "status", "--short") == "", "what the page shows and generates is what is there"

    reader.read("docs/labs/demo.md")
    reader.read("docs/guides/day-two.md")
    assert "demo.html" in git(reader.checkout, "status", "--short")
    reader.read("docs/guides/policies.md")

    def by_hand() -> None:
        host = simulated(reader)
        for name, memory in (("web-1", 4096), ("dns", 256)):
            vmid = guests(reader)[name]["vmid"]
            host.by_hand("PUT", f"/nodes/pve1/{GUESTS[name]}/{vmid}/config", {"memory": memory})

    reader.codes = {".venv/bin/proxmox-labs report --stack demo": 3}
    reader.read("docs/guides/pull-requests.md", {"Pull requests": by_hand})

    before = guests(reader)
    lost = reader.checkout / ".pulumi" / "state" / ".pulumi"
    reader.read("docs/guides/disaster.md", {"The state is lost": lambda: shutil.rmtree(lost)})
    assert guests(reader).keys() == before.keys() == GUESTS.keys()
    assert {name: row["vmid"] for name, row in guests(reader).items()} == {
        name: row["vmid"] for name, row in before.items()
    }
