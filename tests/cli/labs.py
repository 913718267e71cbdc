"""Labs for the tests of pictures: any that can be told, and some of a known size."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from lab_outputs import Guest, Host, Lab, Network, Nic, Vip

NAMES = st.text("ab-09<>&\"'#;[]{}()|`%\\ é漢/:", min_size=1, max_size=40)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6, network="fd00:7::/64")).map(str)
CIDRS = st.sampled_from(["10.7.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "10.7.0.128/25", "fd00:7::/64"])
NETWORKS = st.builds(
    Network,
    bridge=st.none() | NAMES,
    vnet=st.booleans(),
    vlan=st.none() | st.integers(1, 4094),
    cidr=st.none() | CIDRS,
    gateway=st.none() | ADDRESSES,
    mtu=st.none() | st.just(9000),
    dhcp=st.none() | st.tuples(ADDRESSES, ADDRESSES),
    domain=st.none() | NAMES,
    roles=st.lists(NAMES, max_size=2).map(tuple),
)


@st.composite
def labs(draw: st.DrawFn) -> Lab:
    """A lab whose parts are called anything, and may name what there is not."""
    networks = draw(st.dictionaries(NAMES, NETWORKS, max_size=5))
    hosts = draw(st.dictionaries(NAMES, st.builds(Host, node=NAMES, address=st.none() | ADDRESSES), max_size=3))
    nic = st.builds(
        Nic, mac=st.just("BC:24:11:00:00:01"), network=st.none() | _one_of(networks), address=st.none() | ADDRESSES
    )
    guest = st.builds(
        Guest,
        name=NAMES,
        type=st.sampled_from(["qemu", "lxc"]),
        vmid=st.integers(100, 999999999),
        node=NAMES,
        host=_one_of(hosts),
        nics=st.dictionaries(st.sampled_from(["net0", "net1", "net2"]), nic, max_size=3),
        groups=st.lists(NAMES, max_size=1).map(tuple),
    )
    guests = draw(st.dictionaries(NAMES, guest, max_size=6))
    members = st.lists(_one_of({**guests, **hosts}), max_size=3, unique=True).map(tuple)
    vip = st.builds(Vip, address=ADDRESSES, network=st.none() | _one_of(networks), members=members)
    vips = draw(st.dictionaries(NAMES, vip, max_size=2))
    return Lab(kind="any", hosts=hosts, guests=guests, networks=networks, vips=vips)


def _one_of(names: Mapping[str, object]) -> st.SearchStrategy[str]:
    """One that there is, or another word."""
    return st.sampled_from(sorted(names)) | NAMES if names else NAMES


def turned(lab: Lab) -> Lab:
    """The same lab, told from its end."""
    parts = {name: dict(reversed(getattr(lab, name).items())) for name in ("hosts", "guests", "networks", "vips")}
    return lab.model_copy(update=parts)


def lab_of(guests: Mapping[str, tuple[str, str | None]], vips: Mapping[str, Vip] | None = None) -> Lab:
    """Guests, each on a host and with an address in the network `lan`."""
    return Lab(
        kind="any",
        hosts={f"pve{number}": Host(node=f"pve{number}") for number in (1, 2, 3)},
        networks={"lan": Network(bridge="vmbr0", vlan=7, cidr="10.7.0.0/16", gateway="10.7.0.1")},
        guests={
            name: Guest(
                name=name,
                type="qemu",
                vmid=100 + place,
                node=host,
                host=host,
                nics={"net0": Nic(mac=f"BC:24:11:00:00:{place % 256:02X}", network="lan", address=address)},
            )
            for place, (name, (host, address)) in enumerate(guests.items())
        },
        vips=dict(vips or {}),
    )
