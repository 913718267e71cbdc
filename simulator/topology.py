"""Topologies: what stands there before the first call, read from a YAML file and checked.

    datacenters:
      pve:                        # one cluster, or one host that is in none
        clustered: false
        version: "9.2"            # or "8.4", of all its hosts; a host may have its own
        nodes:
          pve1:
            {cpus: 16, memory: 64G, disk: 100G, ip: 192.0.2.10, nics: [eno1, eno2],
             disks: {sdb: 1T, nvme0n1: {size: 2T, model: Fast, serial: S1, wwn: eui.1, health: PASSED}},
             pci: [{id: "0000:01:00.0", class: "0x030200", vendor: "0x10de", device: "0x2236", iommugroup: 9,
                    mdev: {nvidia-558: {available: 4, description: "num_heads=4", name: A10-4Q}}}],
             usb: [{vendid: 0bda, prodid: "8153", product: USB LAN}]}
        bridges: [vmbr0]
        storages:
          local: {type: dir, path: /var/lib/vz, content: "iso,vztmpl,backup", size: 100G}
        guests:
          9000: {type: qemu, node: pve1, template: true, config: {name: debian-13-template}}
        files:
          - {volume: "local:iso/debian-13.iso", size: 700M}
        directory:                # what the servers of realms of the types ldap and ad know
          corp:
            users: {ann: {mail: ann@example.test}}
            groups: {admins: [ann]}
    password: secret              # of root@pam; a random one when it is not given
    login: password               # programs log in as root@pam with its password, and know all hosts by SSH: what it
                                  # takes to make a cluster of them; otherwise: token, one for each datacenter
    guests: live                  # containers are really there, where the machine can do it; otherwise: modelled

Without `nics` a node has one network card for each bridge (`eno1`, ...); the first bridge is on the first card.
`disks` are further ones: the system is on `sda`. Without `pci` and `usb` a node has what any server has.
Sizes of storages are simulated; every other key of a storage is one of Proxmox's own options.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from simulator.versions import NEWEST, RELEASES

SHIPPED = Path(__file__).parent / "topologies"
_SIZE = re.compile(r"(\d+)([KMGT]?)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = (
    yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
)  # ten thousand guests take the one in C a second, the other one ten


class TopologyError(Exception):
    """A topology file is wrong; the text is one line and names file, place and remedy."""


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """A disk of a host; what is empty follows from the names of host and disk."""

    name: str
    size: int
    type: str = ""
    model: str = ""
    serial: str = ""
    wwn: str = ""
    vendor: str = ""
    health: str = "PASSED"


Entries = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A host of the topology."""

    name: str
    cpus: int
    memory: int
    disk: int
    ip: str
    online: bool
    version: str = NEWEST
    nics: tuple[str, ...] | None = None
    """Its network cards; None for one card for each bridge."""
    disks: tuple[DiskSpec, ...] = ()
    pci: Entries | None = None
    usb: Entries | None = None


@dataclass(frozen=True, slots=True)
class StorageSpec:
    """A storage of the topology."""

    id: str
    type: str
    size: int
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """A guest of the topology; `disks` maps a slot to storage and size."""

    vmid: int
    type: str
    node: str
    template: bool
    config: Mapping[str, str]
    disks: Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file that lies on a storage."""

    storage: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class DirectorySpec:
    """The directory behind a realm: users with their attributes, groups with their members."""

    realm: str
    users: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DatacenterSpec:
    """A cluster or a single host of the topology."""

    name: str
    clustered: bool
    nodes: tuple[NodeSpec, ...]
    bridges: tuple[str, ...]
    storages: tuple[StorageSpec, ...]
    guests: tuple[GuestSpec, ...] = ()
    files: tuple[FileSpec, ...] = ()
    directories: tuple[DirectorySpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole topology file."""

    name: str
    datacenters: tuple[DatacenterSpec, ...]
    password: str | None = field(default=None, repr=False)
    live: bool = False
    """Whether containers are to be really there, and not only modelled."""
    login: str = "token"
    """How programs log in: `token` or `password`."""


def host_of(datacenter: DatacenterSpec, node: NodeSpec) -> str:
    """Return the name of a machine that stays whatever cluster it joins."""
    return f"{datacenter.name}/{node.name}"


def shipped() -> list[str]:
    """Return the names of the topologies that come with the simulator."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load(name_or_file: str) -> Topology:
    """Read a topology by its name or file name."""
    path = SHIPPED / f"{name_or_file}.yaml"
    if not re.fullmatch(r"[A-Za-z0-9\-]+", name_or_file) or not path.exists():
        path = Path(name_or_file)
    if not path.is_file():
        known = ", ".join(shipped())
        raise TopologyError(f"topology {name_or_file!r} is neither a file nor one of: {known}")
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - both loaders are safe ones
    except yaml.YAMLError as error:
        raise TopologyError(f"{path}: no valid YAML: {' '.join(str(error).split())}") from None
    return _Reader(path.name).topology(path.stem, data)


class _Reader:
    """Turns YAML into specs; every refusal names the place in the file."""

    def __init__(self, file: str) -> None:
        self._file = file

    def _fail(self, where: str, text: str) -> TopologyError:
        return TopologyError(f"{self._file}: {where}: {text}")

    def _mapping(self, data: Any, where: str, allowed: tuple[str, ...] | None = None) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise self._fail(where, "must be a mapping")
        result = {str(key): value for key, value in data.items()}
        unknown = next((key for key in result if allowed is not None and key not in allowed), None)
        if unknown is not None:
            raise self._fail(where, f"unknown key {unknown!r}; known are {', '.join(allowed or ())}")
        return result

    def _size(self, value: Any, where: str) -> int:
        match = _SIZE.fullmatch(str(value))
        if match is None:
            raise self._fail(where, f"{value!r} is no size such as 512M or 8G")
        return int(match[1]) * _UNITS[match[2]]

    def _integer(self, value: Any, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._fail(where, f"{value!r} is no positive number")
        return value

    def topology(self, name: str, data: Any) -> Topology:
        top = self._mapping(data, "top level", ("datacenters", "password", "login", "guests"))
        datacenters = self._mapping(top.get("datacenters"), "datacenters")
        if not datacenters:
            raise self._fail("datacenters", "at least one is needed")
        password, guests = top.get("password"), top.get("guests", "modelled")
        if guests not in ("live", "modelled"):
            raise self._fail("guests", f"{guests!r} is neither live nor modelled")
        login = top.get("login", "token")
        if login not in ("token", "password"):
            raise self._fail("login", f"{login!r} is neither token nor password")
        return Topology(
            name=name,
            datacenters=tuple(self._datacenter(key, value) for key, value in datacenters.items()),
            password=None if password is None else str(password),
            live=guests == "live",
            login=str(login),
        )

    def _datacenter(self, name: str, data: Any) -> DatacenterSpec:
        where = f"datacenters.{name}"
        keys = ("clustered", "version", "nodes", "bridges", "storages", "guests", "files", "directory")
        spec = self._mapping(data, where, keys)
        nodes = self._mapping(spec.get("nodes"), f"{where}.nodes")
        clustered = bool(spec.get("clustered", len(nodes) > 1))
        if not nodes or (len(nodes) > 1 and not clustered):
            raise self._fail(f"{where}.nodes", "a host that is in no cluster is exactly one node")
        version = self._version(f"{where}.version", spec.get("version", NEWEST))
        storages = self._mapping(spec.get("storages", {}), f"{where}.storages")
        guests = self._mapping(spec.get("guests", {}), f"{where}.guests")
        result = DatacenterSpec(
            name=name,
            clustered=clustered,
            nodes=tuple(self._node(f"{where}.nodes.{key}", key, value, version) for key, value in nodes.items()),
            bridges=tuple(str(bridge) for bridge in spec.get("bridges", ["vmbr0"])),
            storages=tuple(self._storage(f"{where}.storages.{key}", key, value) for key, value in storages.items()),
            guests=tuple(self._guest(f"{where}.guests.{key}", key, value) for key, value in guests.items()),
            files=tuple(self._stored_file(f"{where}.files", entry) for entry in spec.get("files", [])),
            directories=tuple(
                self._directory(f"{where}.directory.{key}", key, value)
                for key, value in self._mapping(spec.get("directory", {}), f"{where}.directory").items()
            ),
        )
        self._check_references(where, result)
        return result

    def _check_references(self, where: str, spec: DatacenterSpec) -> None:
        nodes, storages = {node.name for node in spec.nodes}, {storage.id for storage in spec.storages}
        for guest in spec.guests:
            if guest.node not in nodes:
                raise self._fail(f"{where}.guests.{guest.vmid}.node", f"there is no node {guest.node!r}")
            for slot, (storage, _) in guest.disks.items():
                if storage not in storages:
                    raise self._fail(f"{where}.guests.{guest.vmid}.disks.{slot}", f"there is no storage {storage!r}")
        for file in spec.files:
            if file.storage not in storages:
                raise self._fail(f"{where}.files", f"there is no storage {file.storage!r}")

    def _version(self, where: str, value: Any) -> str:
        if str(value) not in RELEASES:
            raise self._fail(where, f"{value!r} cannot be played; known are {', '.join(RELEASES)}")
        return str(value)

    def _node(self, where: str, name: str, data: Any, version: str) -> NodeSpec:
        keys = ("cpus", "memory", "disk", "ip", "online", "version", "nics", "disks", "pci", "usb")
        spec = self._mapping(data or {}, where, keys)
        if not re.fullmatch(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?", name):
            raise self._fail(where, "is no valid node name")
        nics = spec.get("nics")
        if nics is not None and not (
            isinstance(nics, list) and all(re.fullmatch(r"(?:eth|en|ib|nic)[a-z0-9]{1,12}", str(nic)) for nic in nics)
        ):
            raise self._fail(f"{where}.nics", "must be a list of names of network cards, such as [eno1, eno2]")
        return NodeSpec(
            nics=None if nics is None else tuple(str(nic) for nic in nics),
            name=name,
            cpus=self._integer(spec.get("cpus", 8), f"{where}.cpus"),
            memory=self._size(spec.get("memory", "32G"), f"{where}.memory"),
            disk=self._size(spec.get("disk", "100G"), f"{where}.disk"),
            ip=str(spec.get("ip", "127.0.0.1")),
            online=bool(spec.get("online", True)),
            version=self._version(f"{where}.version", spec.get("version", version)),
            disks=tuple(
                self._node_disk(f"{where}.disks.{key}", key, value)
                for key, value in self._mapping(spec.get("disks", {}), f"{where}.disks").items()
            ),
            pci=self._devices(f"{where}.pci", spec.get("pci"), ("id",)),
            usb=self._devices(f"{where}.usb", spec.get("usb"), ("vendid", "prodid")),
        )

    def _node_disk(self, where: str, name: str, data: Any) -> DiskSpec:
        if name == "sda" or not re.fullmatch(r"[sv]d[a-z]|nvme\d+n\d+", name):
            raise self._fail(where, "must be named sdb to sdz, vda to vdz or nvme0n1; sda has the system on it")
        keys = ("size", "type", "model", "serial", "wwn", "vendor", "health")
        spec = self._mapping(data if isinstance(data, dict) else {"size": data}, where, keys)
        texts = {key: str(value) for key, value in spec.items() if key != "size"}
        return DiskSpec(name=name, size=self._size(spec.get("size"), f"{where}.size"), **texts)

    def _devices(self, where: str, data: Any, needed: tuple[str, ...]) -> Entries | None:
        if data is None:
            return None
        if not isinstance(data, list):
            raise self._fail(where, "must be a list of devices")
        entries = tuple(self._mapping(entry, where) for entry in data)
        missing = next((key for entry in entries for key in needed if key not in entry), None)
        if missing is not None:
            raise self._fail(where, f"a device needs {missing!r}")
        return entries

    def _storage(self, where: str, name: str, data: Any) -> StorageSpec:
        spec = self._mapping(data, where)
        if "type" not in spec:
            raise self._fail(where, "needs a type, such as dir")
        options = {key: _text(value) for key, value in spec.items() if key not in ("type", "size")}
        size = self._size(spec.get("size", "100G"), f"{where}.size")
        return StorageSpec(id=name, type=str(spec["type"]), size=size, options=options)

    def _guest(self, where: str, vmid: str, data: Any) -> GuestSpec:
        spec = self._mapping(data, where, ("type", "node", "template", "config", "disks"))
        if not re.fullmatch(r"[1-9]\d{2,8}", vmid):
            raise self._fail(where, "a VMID is a number from 100 to 999999999")
        if spec.get("type") not in ("qemu", "lxc"):
            raise self._fail(f"{where}.type", "must be qemu or lxc")
        disks = self._mapping(spec.get("disks", {}), f"{where}.disks")
        return GuestSpec(
            vmid=int(vmid),
            type=str(spec["type"]),
            node=str(spec.get("node")),
            template=bool(spec.get("template", False)),
            config={key: _text(value) for key, value in self._mapping(spec.get("config", {}), where).items()},
            disks={slot: self._disk(f"{where}.disks.{slot}", value) for slot, value in disks.items()},
        )

    def _disk(self, where: str, value: Any) -> tuple[str, int]:
        storage, separator, size = str(value).partition(":")
        if not separator:
            raise self._fail(where, f"{value!r} is no disk such as local-lvm:8G")
        return storage, self._size(size, where)

    def _stored_file(self, where: str, data: Any) -> FileSpec:
        spec = self._mapping(data, where, ("volume", "size"))
        storage, separator, name = str(spec.get("volume")).partition(":")
        if not separator or "/" not in name:
            raise self._fail(where, f"{spec.get('volume')!r} is no volume such as local:iso/name.iso")
        return FileSpec(storage, name, self._size(spec.get("size", "1M"), where))

    def _directory(self, where: str, realm: str, data: Any) -> DirectorySpec:
        spec = self._mapping(data, where, ("users", "groups"))
        users = self._mapping(spec.get("users", {}), f"{where}.users")
        groups = self._mapping(spec.get("groups", {}), f"{where}.groups")
        return DirectorySpec(
            realm=realm,
            users={
                name: {key: _text(value) for key, value in self._mapping(row or {}, f"{where}.users.{name}").items()}
                for name, row in users.items()
            },
            groups={name: tuple(str(member) for member in members or ()) for name, members in groups.items()},
        )


def _text(value: Any) -> str:
    """Write a YAML value as Proxmox's configuration files would."""
    return str(int(value)) if isinstance(value, bool) else str(value)
