"""Fills a new world from a topology: nodes, storages, templates, the first user and the first token."""

from __future__ import annotations

import uuid

from simulator.access import BUILT_IN_REALMS
from simulator.cluster import log
from simulator.cluster.records import ClusterConfig, DirectoryEntry
from simulator.errors import ApiError
from simulator.guests.storage_types import TYPES
from simulator.guests.volume_names import VolumeName, parse_name
from simulator.nodes import apt_sources
from simulator.nodes.hardware import add_hardware
from simulator.records import Capacity, Guest, Interface, Node, Section, Token, User, Volume
from simulator.state import Datacenter, World
from simulator.tickets import hash_password, hash_secret
from simulator.topology import (
    DatacenterSpec,
    DirectorySpec,
    FileSpec,
    GuestSpec,
    NodeSpec,
    Topology,
    TopologyError,
    host_of,
)
from simulator.versions import at_least

_SHARED_TYPES = ("nfs", "cifs", "rbd", "cephfs", "pbs", "iscsi")
_BLOCK_TYPES = ("lvm", "lvmthin", "zfspool", "rbd")
_UPTIME = 86400.0


def seed(world: World, topology: Topology, password: str, tokens: dict[str, str]) -> None:
    """Fill every datacenter that is still empty; runs in a transaction of its own."""
    with world.database.transaction():
        for spec in topology.datacenters:
            datacenter = world.datacenters[spec.name]
            if f"{spec.name}/ticket-key" in world.settings:
                continue
            world.renew_ticket_key(spec.name)
            _fill(datacenter, spec, world.clock.now())
            _add_root(datacenter, password, tokens[spec.name])


def _add_root(datacenter: Datacenter, password: str, token: str) -> None:
    datacenter.users.put(User(userid="root@pam", password=hash_password(password)))
    datacenter.tokens.put(Token(full_id="root@pam!labs", secret=hash_secret(token), privsep=False))
    for realm, comment in BUILT_IN_REALMS.items():
        datacenter.domains.put(Section(id=realm, type=realm, options={"comment": comment}))


def _fill(datacenter: Datacenter, spec: DatacenterSpec, now: float) -> None:
    if spec.clustered:
        coefficient = 125 if at_least(spec.nodes[0].version, "9.2") else None
        config = ClusterConfig(
            cluster_name=spec.name, config_version=len(spec.nodes), token_coefficient=coefficient, links={"0": ""}
        )
        datacenter.cluster_config.put(config)
    for number, node in enumerate(spec.nodes, 1):
        datacenter.nodes.put(
            Node(
                name=node.name, nodeid=number, ip=node.ip, cpus=node.cpus, memory=node.memory, disk=node.disk,
                online=node.online, version=node.version, started=now - _UPTIME, host=host_of(spec, node),
                rings={"0": node.ip} if spec.clustered else {}, dns={"search": "example.test", "dns1": "192.0.2.1"},
            )
        )  # fmt: skip
        apt_sources.install(datacenter, node.name, now)
        log.begin(datacenter, node.name, now)
        _add_interfaces(datacenter, node, spec.bridges)
    for storage in spec.storages:
        datacenter.storages.put(Section(id=storage.id, type=storage.type, options=storage.options))
        for place in _places(datacenter, storage.id):
            datacenter.capacities.put(Capacity(storage=storage.id, node=place, total=storage.size))
    sizes = {storage.id: storage.size for storage in spec.storages}
    for node in spec.nodes:
        seen = [row for row in datacenter.storages if node.name in _places(datacenter, row.id)]
        add_hardware(datacenter, node, seen, sizes)
    for file in spec.files:
        parsed = _parsed(datacenter, file)
        for place in _places(datacenter, file.storage):
            datacenter.volumes.put(
                Volume(
                    storage=file.storage, node=place, name=file.name, content=parsed.content, format=parsed.format,
                    size=file.size, used=file.size, vmid=parsed.vmid, ctime=int(now),
                )
            )  # fmt: skip
    for directory in spec.directories:
        _add_directory(datacenter, directory)
    for guest in spec.guests:
        _add_guest(datacenter, guest, int(now))


def _parsed(datacenter: Datacenter, file: FileSpec) -> VolumeName:
    """Return what the name of a file says, or refuse one that its storage cannot have."""
    try:
        return parse_name(TYPES[datacenter.storages[file.storage].type], file.name)
    except ApiError as error:
        raise TopologyError(f"datacenters.{datacenter.name}.files: {error}") from None


def _add_directory(datacenter: Datacenter, spec: DirectorySpec) -> None:
    for name, attributes in spec.users.items():
        datacenter.directory.put(DirectoryEntry(realm=spec.realm, type="user", name=name, attributes=attributes))
    for name, members in spec.groups.items():
        datacenter.directory.put(DirectoryEntry(realm=spec.realm, type="group", name=name, members=frozenset(members)))


def _places(datacenter: Datacenter, storage: str) -> list[str]:
    """Return where a storage has content: on each of its nodes, or once when it is shared."""
    section = datacenter.storages[storage]
    if section.type in _SHARED_TYPES or section.options.get("shared") == "1":
        return [""]
    only = [name for name in section.options.get("nodes", "").split(",") if name]
    return [node.name for node in datacenter.nodes if not only or node.name in only]


def _add_interfaces(datacenter: Datacenter, node: NodeSpec, bridges: tuple[str, ...]) -> None:
    """Give a node its network cards and bridges, the first on the first; the first bridge carries its address."""
    cards = node.nics if node.nics is not None else [f"eno{number + 1}" for number in range(len(bridges))]
    for card in cards:
        datacenter.interfaces.put(Interface(node=node.name, iface=card, type="eth", options={"method": "manual"}))
    for number, bridge in enumerate(bridges):
        port = cards[number] if number < len(cards) else ""
        options = {"autostart": "1", "bridge_ports": port, "bridge_stp": "off", "bridge_fd": "0", "method": "manual"}
        if number == 0:
            gateway = f"{node.ip.rpartition('.')[0]}.1"
            options |= {"method": "static", "cidr": f"{node.ip}/24", "gateway": gateway}
        datacenter.interfaces.put(Interface(node=node.name, iface=bridge, type="bridge", options=options))


def _add_guest(datacenter: Datacenter, spec: GuestSpec, now: int) -> None:
    """Add a guest with its disks, in the way the storages name them."""
    config = dict(spec.config)
    prefix = "base" if spec.template else "vm"
    for number, (slot, (storage, size)) in enumerate(spec.disks.items()):
        volume = _volume(datacenter, spec, f"{storage}:{prefix}-{spec.vmid}-disk-{number}", size, now)
        datacenter.volumes.put(volume)
        config[slot] = f"{volume.volid},size={size >> 30}G"
    drives = [value.partition(",")[0] for value in spec.config.values()]
    for volid in (drive for drive in drives if drive.endswith(f"vm-{spec.vmid}-cloudinit")):
        datacenter.volumes.put(_volume(datacenter, spec, volid, 4 << 20, now))
    if spec.type == "qemu":
        config |= {
            "meta": f"creation-qemu={datacenter.nodes[spec.node].release.qemu},ctime={now}",
            "smbios1": f"uuid={uuid.uuid4()}",
            "vmgenid": str(uuid.uuid4()),
        }
    if spec.template:
        config["template"] = "1"
    datacenter.guests.put(Guest(vmid=spec.vmid, type=spec.type, node=spec.node, config=config))


def _volume(datacenter: Datacenter, spec: GuestSpec, volid: str, size: int, now: int) -> Volume:
    """Return a guest's volume: a plain name on block storages, a file in the VMID's folder elsewhere."""
    storage, _, name = volid.partition(":")
    if datacenter.storages[storage].type not in _BLOCK_TYPES:
        name = f"{spec.vmid}/{name}.raw"
    return Volume(
        storage=storage,
        node="" if "" in _places(datacenter, storage) else spec.node,
        name=name,
        content="images" if spec.type == "qemu" else "rootdir",
        format="raw",
        size=size,
        used=size // 2,
        vmid=spec.vmid,
        ctime=now,
    )
