"""What is read of other guests' addresses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from providers._guests.neighbours import Taken, parse

FILE = "/etc/pve/nodes/pve1/qemu-server/100.conf"


def test_addresses_are_found_in_cards_of_both_kinds() -> None:
    lines = (
        f"{FILE}:net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1",
        f"{FILE}:ipconfig0: gw=192.0.2.1,ip=192.0.2.7/24,ip6=2001:DB8::7/64",
        "/etc/pve/nodes/pve-2/lxc/200.conf:net0: name=eth0,hwaddr=bc:24:11:00:00:02,ip=dhcp,ip6=auto",
    )

    assert list(parse("\n".join(lines))) == [
        Taken("BC:24:11:00:00:01", 100, "pve1"),
        Taken("192.0.2.7", 100, "pve1"),
        Taken("2001:db8::7", 100, "pve1"),
        Taken("BC:24:11:00:00:02", 200, "pve-2"),
    ]


@given(st.text())
def test_whatever_else_stands_there_is_passed_over(text: str) -> None:
    assert list(parse(text)) == []
    assert all(taken.vmid == 100 for taken in parse(f"{FILE}:net0: {text}"))
