"""Labs for the tests of what is handed over: any that there could be, with names as Proxmox takes them."""

from __future__ import annotations

from hypothesis import strategies as st

from lab_outputs import Guest, Host, Lab, Login, Network, Nic, Ssh

NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
ADDRESSES = st.ip_addresses(v=4, network="10.7.0.0/24").map(str)
GROUPS = NAMES | st.sampled_from(["all", "proxmox", "7-of-nine", "ungrouped"])
LOGINS = st.builds(Login, user=st.sampled_from(["ansible", "root"]), password=st.text("aZ9!{}%#'\"\\: -", min_size=1))
SSH = st.builds(
    Ssh,
    user=st.sampled_from(["ansible", "root"]),
    address=ADDRESSES,
    port=st.integers(1, 65535),
    jump=st.none() | st.builds("root@{}".format, ADDRESSES),
)


@st.composite
def labs(draw: st.DrawFn) -> Lab:
    """A lab with up to six guests on up to three hosts, in a network with DHCP and one without."""
    hosts = draw(st.dictionaries(NAMES, st.builds(Host, node=NAMES, address=st.none() | ADDRESSES), max_size=3))
    names = draw(st.lists(NAMES, max_size=6, unique=True))
    guests = {name: draw(_guest(name, number, sorted(hosts) or ["pve"])) for number, name in enumerate(names)}
    return Lab(
        kind="any",
        hosts=hosts,
        guests=guests,
        networks={"lan": Network(bridge="vmbr0", dhcp=("10.7.0.100", "10.7.0.199")), "other": Network(bridge="vmbr1")},
        credentials=draw(st.dictionaries(st.sampled_from([*names, "guests"]), LOGINS, max_size=3)),
    )


@st.composite
def _guest(draw: st.DrawFn, name: str, number: int, hosts: list[str]) -> Guest:
    nic = Nic(
        mac=f"BC:24:11:00:00:{number:02X}",
        network=draw(st.sampled_from(["lan", "other", None])),
        address=draw(st.none() | st.just(f"10.7.0.{number + 10}")),
    )
    host = draw(st.sampled_from(hosts))
    return Guest(
        name=name,
        type=draw(st.sampled_from(["qemu", "lxc"])),
        vmid=100 + number,
        node=host,
        host=host,
        nics={"net0": nic},
        groups=tuple(draw(st.lists(GROUPS, max_size=2))),
        ssh=draw(st.none() | SSH),
    )
