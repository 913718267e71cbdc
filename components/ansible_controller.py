"""A container from which Ansible sets up a lab's guests: the inventory is in it, and a key of its own.

The inventory follows the lab: what comes, goes or gets another address in a run of the program is in it at the end of
that run. The guests have to know the public key before they are made, and the inventory is known after; so a program
makes the key first, and gives it to both:

    key = PrivateKey("ansible")
    ...                                  # guests with sshkeys=[key.public_key_openssh]
    AnsibleController("ansible", AnsibleControllerArgs(host=..., key=key, inventory=inventory_of(exports)))

The first time that Ansible meets a guest, it takes the key by which the guest is known from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.handoff import ansible
from components.outputs import Exports
from components.place import Place
from components.service import Health, ServiceFile, answers, dashes, digest, folder_of, packages, placed
from components.service_container import ServiceHost, container_of
from lab_outputs import Guest, Lab
from providers.container import Container
from providers.private_key import PrivateKey

FOLDER = "/etc/ansible"
PLAYBOOKS = f"{FOLDER}/playbooks"
KEY = "/root/.ssh/id_ed25519"
"""Where OpenSSH itself looks for it, for machines that are gone through too."""
SETTINGS = f"""\
[defaults]
inventory = {FOLDER}/inventory.yaml
private_key_file = {KEY}
roles_path = {FOLDER}/roles

[ssh_connection]
pipelining = true
ssh_args = -o StrictHostKeyChecking=accept-new -o ControlMaster=auto -o ControlPersist=60s
"""
HEALTH = Health(("sh", "-c", "ansible-inventory --list >/dev/null"), 60)


@dataclass(frozen=True, kw_only=True)
class AnsibleControllerArgs:
    """The container, and what is in it."""

    host: ServiceHost
    inventory: pulumi.Input[str]
    """As YAML: see `inventory_of`."""
    key: PrivateKey
    """What it logs in with; of the kind `ed25519`."""
    playbooks: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Texts by file name, in the folder `/etc/ansible/playbooks`."""
    packages: Sequence[str] = ("ansible-core", "openssh-client")
    """What is installed, by the names of Debian's packages."""

    def __post_init__(self) -> None:
        wrong = [name for name in self.playbooks if "/" in name or name.startswith(".")]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no name of a file in the folder of the playbooks")


class AnsibleController(pulumi.ComponentResource):
    """A container with Ansible."""

    guest: Container
    """The container itself."""
    vmid: pulumi.Output[int]
    address: pulumi.Output[str]
    """Without the prefix length."""
    public_key: pulumi.Output[str]
    """What the guests have to know, as a line of `authorized_keys`."""

    def __init__(self, name: str, args: AnsibleControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:AnsibleController", name, None, opts)
        self.guest = container_of(name, args.host, pulumi.ResourceOptions(parent=self))
        inside = Place(vmid=self.guest.vmid, connection=args.host.connection)
        files = _files(args)
        folders = {PLAYBOOKS, f"{FOLDER}/roles", *map(folder_of, files)}
        installed = packages(name, args.packages, folders, inside, pulumi.ResourceOptions(parent=self))
        after = pulumi.ResourceOptions(parent=self, depends_on=[installed])
        there = [placed(f"{name}{dashes(file.path)}", file.path, file, inside, after) for file in files]
        last = pulumi.ResourceOptions(parent=self, depends_on=there)
        answers(name, HEALTH, digest(files), inside, last)
        self.vmid, self.public_key = self.guest.vmid, args.key.public_key_openssh
        self.address = pulumi.Output.from_input(args.host.ip)
        self.register_outputs({"vmid": self.vmid, "address": self.address, "public_key": self.public_key})


def inventory_of(exports: Exports) -> pulumi.Output[str]:
    """What a lab tells of itself as Ansible's inventory, for somebody inside: who goes straight to the guests."""
    told: dict[str, Any] = {name: value for name, value in exports.told().items() if name in ("hosts", "guests")}

    def rendered(known: dict[str, Any]) -> str:
        lab = Lab(kind="any", **known)
        guests = {name: _direct(guest) for name, guest in lab.guests.items()}
        return ansible.render(lab.model_copy(update={"guests": guests}))

    return pulumi.Output.all(**told).apply(rendered)


def _direct(guest: Guest) -> Guest:
    ssh = guest.ssh.model_copy(update={"jump": None}) if guest.ssh else None
    return guest.model_copy(update={"ssh": ssh})


def _files(args: AnsibleControllerArgs) -> list[ServiceFile]:
    return [
        ServiceFile(path=f"{FOLDER}/ansible.cfg", content=SETTINGS),
        ServiceFile(path=f"{FOLDER}/inventory.yaml", content=args.inventory, mode="0640"),
        ServiceFile(path=KEY, content=args.key.private_key_openssh, mode="0600"),
        *(ServiceFile(path=f"{PLAYBOOKS}/{name}", content=text) for name, text in args.playbooks.items()),
    ]
