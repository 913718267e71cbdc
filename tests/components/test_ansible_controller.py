"""The Ansible controller: what is put into its container, and that the inventory follows what the lab has."""

from __future__ import annotations

import configparser
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
import yaml

from components.ansible_controller import KEY, AnsibleController, AnsibleControllerArgs, inventory_of
from components.outputs import Exports
from components.service_container import ServiceHost
from lab_outputs import Guest, Host, Ssh
from providers.private_key import PrivateKey
from tests.components.asked import asked, inputs_of
from tests.conftest import Simulator
from tests.engine import Program, Result
from tests.simulator.test_ssh import Remote, connected

HOST = ServiceHost(
    node="pve1",
    ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
    storage="local-lvm",
    bridge="vmbr0",
    address="192.0.2.20/24",
)
KEYS = {"private_key_openssh": "the key", "public_key_openssh": "ssh-ed25519 AAAA"}


def wanted(**changes: Any) -> dict[str, dict[str, Any]]:
    """What a controller asks for."""

    def make() -> pulumi.Output[Any]:
        args = {"inventory": "all: {}\n", "playbooks": {"site.yml": "[]\n"}, **changes}
        controller = AnsibleController("ansible", AnsibleControllerArgs(host=HOST, key=PrivateKey("key"), **args))
        return controller.public_key

    return inputs_of(make, KEYS)


def test_it_is_a_container_with_ansible_its_settings_the_inventory_the_key_and_the_playbooks() -> None:
    found = wanted()

    files = {each["path"]: each for each in found.values() if "path" in each}
    assert set(files) == {
        "/etc/ansible/ansible.cfg",
        "/etc/ansible/inventory.yaml",
        "/etc/ansible/playbooks/site.yml",
        KEY,
    }
    assert (files[KEY]["content"], files[KEY]["mode"]) == ("the key", "0600")
    settings = configparser.ConfigParser()
    settings.read_string(files["/etc/ansible/ansible.cfg"]["content"])
    assert settings["defaults"]["inventory"] in files
    assert settings["defaults"]["private_key_file"] in files
    assert found["ansible-packages"]["command"][-2:] == ["ansible-core", "openssh-client"]


def test_new_content_is_looked_at_by_ansible_itself() -> None:
    first, second = wanted()["ansible-healthy"], wanted(inventory="all: {hosts: {}}\n")["ansible-healthy"]

    assert "ansible-inventory --list" in first["command"][-1]
    assert first["triggers"] != second["triggers"]


def test_a_playbook_lies_in_its_folder_and_nowhere_else() -> None:
    with pytest.raises(ValueError, match=r"^'../x' is no name of a file"):
        wanted(playbooks={"../x": ""})


def test_who_is_inside_goes_straight_to_the_guests() -> None:
    ssh = Ssh(user="debian", address="10.7.0.9", jump="root@192.0.2.1")
    guest = Guest(name="web", type="lxc", vmid=100, node="pve", host="pve", ssh=ssh)
    exports = Exports(hosts={"pve": Host(node="pve")}, guests={"web": pulumi.Output.from_input(guest.model_dump())})

    text = asked(lambda: {"it": inventory_of(exports)}).outputs["it"]

    hosts = yaml.safe_load(text)["all"]["hosts"]
    assert hosts["web"]["ansible_host"] == "10.7.0.9"
    assert "ansible_ssh_common_args" not in hosts["web"]


MAIN = """\
import pulumi
from components.ansible_controller import AnsibleController, AnsibleControllerArgs, inventory_of
from components.outputs import Exports, guest_output
from lab_outputs import Host, Network, Ssh
from providers.container import Container
from providers.private_key import PrivateKey
from tests.components.test_ansible_controller import HOST

key = PrivateKey("key")


def web(number):
    address = f"192.0.2.{{30 + number}}"
    container = Container(
        f"web-{{number}}",
        hostname=f"web-{{number}}",
        node="pve1",
        ostemplate=HOST.ostemplate,
        rootfs={{"storage": "local-lvm", "size": "4G"}},
        net={{"net0": {{"name": "eth0", "bridge": "vmbr0", "ip": f"{{address}}/24"}}}},
        ssh_public_keys=[key.public_key_openssh],
    )
    ssh = Ssh(user="root", address=address)
    return guest_output(container, host="pve1", nics={{"net0": ("lan", address)}}, groups=["web"], ssh=ssh)


guests = {{f"web-{{number}}": web(number) for number in range({count})}}
exports = Exports(hosts={{"pve1": Host(node="pve1")}}, guests=guests, networks={{"lan": Network(bridge="vmbr0")}})
args = AnsibleControllerArgs(host=HOST, key=key, inventory=inventory_of(exports))
controller = AnsibleController("ansible", args)
pulumi.export("public_key", controller.public_key)
"""


@pytest.mark.engine
def test_the_inventory_follows_the_lab_and_the_key_is_in_the_container_alone(
    simulator: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program = program_on(simulator)

    def up(count: int) -> Result:
        (program.folder / "__main__.py").write_text(MAIN.format(count=count))
        return program.up()

    with connected(simulator.running, "pve1") as client:

        def inside(command: str) -> str:
            vmid = program.state()["ansible"]["outputs"]["vmid"]
            return Remote(client).ok(f"pct exec {vmid} -- bash -s", command.encode())

        first = up(1)
        assert first.code == 0, first.text
        assert list(yaml.safe_load(inside("cat /etc/ansible/inventory.yaml"))["all"]["hosts"]) == ["web-0", "pve1"]
        key = inside(f"cat {KEY}")
        assert "OPENSSH PRIVATE KEY" in key
        assert key.splitlines()[1] not in program.pulumi("stack", "export").stdout
        assert not up(1).changes

        more = up(2)
        assert more.changes == {"create": 1, "update": 2}, more.text
        hosts = yaml.safe_load(inside("cat /etc/ansible/inventory.yaml"))["all"]["hosts"]
        assert hosts["web-1"]["ansible_host"] == "192.0.2.31"
        assert inside(f"cat {KEY}") == key
    assert program.destroy().code == 0
