"""From hosts that know nobody to a lab on them, and to a program for all that was there before."""

from __future__ import annotations

import json

import pytest

from tests.cli.adoption import by_hand
from tests.conftest import Simulator
from tests.pages.reader import Reader

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def test_a_lab_on_ones_own_hosts_and_the_rest_of_them_taken_over(administrator: Reader, cluster: Simulator) -> None:
    reader = administrator
    reader.read("docs/guides/real-proxmox.md")
    assert "pveum user token add mine@pve labs --privsep 0" in reader.printed
    names = {row["name"] for row in cluster.by_hand("GET", "/cluster/resources", {"type": "vm"})}
    assert {"web-1", "web-2", "dns"} < names

    by_hand.fill(cluster)
    reader.read("docs/guides/adoption.md")
    assert json.loads(reader.printed)["resources"] == [], "nothing is new after it"
