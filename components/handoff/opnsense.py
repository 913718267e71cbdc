"""OPNsense: the addresses that its DHCP (Kea) always gives to a guest, as the page of its reservations imports them.

A lab that has its router's other settings too brings them in a file of its own.
"""

from __future__ import annotations

from components.handoff import NothingForItError
from components.opnsense import Reservation, reservations_csv
from lab_outputs.models import Lab

FILE = "reservations.csv"


def render(lab: Lab) -> str:
    """A line for each fixed address in a network where addresses are given out."""
    nics = [(name, nic) for name, guest in lab.guests.items() for nic in guest.nics.values()]
    wanted = [
        Reservation(hostname=name, mac=nic.mac, address=nic.address)
        for name, nic in nics
        if nic.address and nic.network in lab.networks and lab.networks[nic.network].dhcp
    ]
    if not wanted:
        raise NothingForItError("no guest has a fixed address in a network with DHCP")
    return reservations_csv(wanted)
