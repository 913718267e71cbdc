"""Fixed addresses that a program gives out itself, so that a preview and everybody who needs one knows them."""

from __future__ import annotations

import hashlib
import ipaddress


class AddressPlan:
    """The addresses of one network, given out by name: the same ones in every run, and none twice.

    A name's address follows from the name alone. Only where two names would have the same one, the one that is asked
    for later gets the next that is free.
    """

    def __init__(self, network: str, *, first: int = 10, last: int | None = None, gateway: int | None = 1) -> None:
        """`first` and `last` are places in the network: 10 in 192.0.2.0/24 is 192.0.2.10. So is `gateway`."""
        self._network = ipaddress.ip_network(network)
        end = self._network.num_addresses - 2 if last is None else last
        if not 0 < first <= end < self._network.num_addresses:
            raise ValueError(f"there are no places {first} to {end} in {network}")
        self._first, self._count = first, end - first + 1
        self._gateway = gateway
        self._given: dict[int, str] = {} if gateway is None else {gateway: ""}

    @property
    def gateway(self) -> str | None:
        """The network's gateway."""
        return None if self._gateway is None else str(self._network[self._gateway])

    def of(self, name: str) -> str:
        """The address of that name, with its prefix length."""
        start = int(hashlib.sha256(name.encode()).hexdigest(), 16)
        for step in range(min(self._count, len(self._given) + 1)):
            place = self._first + (start + step) % self._count
            if self._given.setdefault(place, name) == name:
                return f"{self._network[place]}/{self._network.prefixlen}"
        raise ValueError(f"all addresses of {self._network} that may be given out are, and {name!r} has none")

    def ipconfig(self, name: str) -> dict[str, str]:
        """The address and the gateway, as cloud-init is told them (`ipconfig`)."""
        ip, gw = ("ip", "gw") if self._network.version == 4 else ("ip6", "gw6")  # noqa: PLR2004 - IPv4
        return {ip: self.of(name), **({gw: self.gateway} if self.gateway else {})}
