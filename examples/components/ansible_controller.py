"""A container with Ansible, and two machines that know its key and are in its inventory."""

import pulumi

from components.ansible_controller import AnsibleController, AnsibleControllerArgs, inventory_of
from components.outputs import Exports, guest_output
from components.service_container import ServiceHost
from lab_outputs import Host, Network, Ssh
from providers.private_key import PrivateKey
from providers.vm import VirtualMachine

ADDRESSES = {"web-1": "192.0.2.101", "web-2": "192.0.2.102"}
PLAYBOOK = """\
- hosts: all
  tasks:
    - ansible.builtin.ping:
"""

key = PrivateKey("ansible", algorithm="ed25519")
machines = {
    name: VirtualMachine(
        name,
        name=name,
        node="pve1",
        clone={"vmid": 9001, "full": False},
        net={"net0": {"model": "virtio", "bridge": "vmbr0"}},
        ciuser="ansible",
        sshkeys=[key.public_key_openssh],
        ipconfig={"ipconfig0": {"ip": f"{address}/24", "gw": "192.0.2.1"}},
    )
    for name, address in ADDRESSES.items()
}
exports = Exports(
    hosts={"pve1": Host(node="pve1")},
    networks={"lan": Network(bridge="vmbr0", cidr="192.0.2.0/24")},
    guests={
        name: guest_output(
            machine,
            host="pve1",
            nics={"net0": ("lan", ADDRESSES[name])},
            groups=("web",),
            ssh=Ssh(user="ansible", address=ADDRESSES[name]),
        )
        for name, machine in machines.items()
    },
)
controller = AnsibleController(
    "controller",
    AnsibleControllerArgs(
        host=ServiceHost(
            node="pve1",
            ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
            storage="local-lvm",
            bridge="vmbr0",
            address="192.0.2.100/24",
            gateway="192.0.2.1",
        ),
        inventory=inventory_of(exports),
        key=key,
        playbooks={"ping.yaml": PLAYBOOK},
    ),
)
pulumi.export("address", controller.address)
