"""Answer files for Proxmox's installer: what is declared is in the file once, as TOML reads it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.answer_file import Install, answer_file, install_problems

DHCP = Install(
    fqdn="alpha.lab.example",
    mailto="root@lab.example",
    timezone="Etc/UTC",
    country="us",
    keyboard="en-us",
    disks=("sda",),
)
FIXED = replace(
    DHCP, cidr="192.0.2.10/24", gateway="192.0.2.1", dns="192.0.2.53", mac="AA:BB:CC:DD:EE:0F", disks=("sda", "sdb")
)
FIXED = replace(FIXED, filesystem="zfs", raid="raid1", ssh_keys=("ssh-ed25519 AAAA me@example",))


def read(install: Install) -> dict[str, Any]:
    """The file as the installer reads it."""
    return tomllib.loads(answer_file(install, "$2a$10$hash"))


def test_a_host_with_an_address_by_dhcp() -> None:
    assert read(DHCP) == {
        "global": {
            "keyboard": "en-us",
            "country": "us",
            "fqdn": "alpha.lab.example",
            "mailto": "root@lab.example",
            "timezone": "Etc/UTC",
            "root-password-hashed": "$2a$10$hash",
        },
        "network": {"source": "from-dhcp"},
        "disk-setup": {"filesystem": "ext4", "disk-list": ["sda"]},
    }


def test_a_host_with_a_fixed_address_on_two_mirrored_disks() -> None:
    found = read(FIXED)

    assert found["global"]["root-ssh-keys"] == ["ssh-ed25519 AAAA me@example"]
    assert found["network"] == {
        "source": "from-answer",
        "cidr": "192.0.2.10/24",
        "gateway": "192.0.2.1",
        "dns": "192.0.2.53",
        "filter": {"ID_NET_NAME_MAC": "*aabbccddee0f"},
    }
    assert found["disk-setup"] == {"filesystem": "zfs", "disk-list": ["sda", "sdb"], "zfs": {"raid": "raid1"}}


@given(st.text(min_size=1).filter(lambda text: text.isprintable() or "\x7f" in text), st.lists(st.text(), max_size=3))
def test_whatever_is_declared_is_read_back(text: str, keys: list[str]) -> None:
    found = read(replace(DHCP, timezone=text, ssh_keys=tuple(keys)))

    assert found["global"]["timezone"] == text
    assert found["global"].get("root-ssh-keys", []) == keys


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(FIXED, gateway=None), "gateway"),
        (replace(DHCP, mac="AA:BB:CC:DD:EE:0F"), "cidr"),
        (replace(FIXED, raid=None), "raid"),
        (replace(DHCP, raid="raid1"), "raid"),
        (replace(FIXED, filesystem="btrfs", raid="raidz-1"), "raid"),
        (replace(DHCP, disks=("sda", "sdb")), "disks"),
    ],
)
def test_what_does_not_fit_together_is_told(wrong: Install, field: str) -> None:
    assert [name for name, _ in install_problems(wrong)] == [field]


def test_what_fits_together_has_no_problem() -> None:
    assert install_problems(DHCP) == install_problems(FIXED) == []
