"""What a lab hands over is there for any lab, or it is said why not; and nothing secret is in it unasked."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from components.handoff import NothingForItError, ansible, dns_zone, formats, opnsense, prometheus, ssh_config
from lab_outputs import Guest, Host, Lab, Login, Network, Nic, Ssh, Vip
from tests.components.checking import need
from tests.components.handoff.labs import labs


class Loader(yaml.SafeLoader):
    """Reads YAML as Ansible does."""


Loader.add_constructor("!unsafe", lambda _loader, node: str(node.value))


def inventory(lab: Lab) -> dict[str, Any]:
    """The part that all is in."""
    text = ansible.render(lab)
    found: dict[str, Any] = yaml.load(text, Loader)["all"]  # noqa: S506 - a safe loader with one more tag
    return found


@pytest.mark.parametrize("name", formats())
def test_a_format_says_what_it_is_for_and_a_lab_that_has_nothing_for_it_why(name: str) -> None:
    each = formats()[name]

    assert re.fullmatch(r"[A-Z].*[.:]?", each.about)
    assert each.file == Path(each.file).name
    with pytest.raises(NothingForItError, match=r"^[a-z]"):
        each.render(Lab(kind="empty"))


@given(labs())
def test_no_format_tells_a_secret_that_it_has_not_got(lab: Lab) -> None:
    told = lab.model_copy(update={"credentials": {}})

    for each in formats().values():
        try:
            text = each.render(told)
        except NothingForItError:
            continue
        assert "password" not in text


@given(labs())
def test_every_guest_and_host_is_in_the_inventory_once_with_what_leads_to_it(lab: Lab) -> None:
    if not lab.guests and not lab.hosts:
        return
    found = inventory(lab)

    assert len(found["hosts"]) == len(lab.guests) + len(lab.hosts)
    for name, guest in lab.guests.items():
        assert found["hosts"][name]["proxmox_vmid"] == guest.vmid
        if guest.ssh is not None:
            assert found["hosts"][name]["ansible_host"] == guest.ssh.address
    assert len(found["children"]["proxmox"]["hosts"]) == len(lab.hosts)
    assert not set(found["children"]["proxmox"]["hosts"]) & set(lab.guests)


@given(labs())
def test_every_group_has_its_members_and_a_name_that_ansible_takes(lab: Lab) -> None:
    if not lab.guests and not lab.hosts:
        return
    found = inventory(lab)
    groups = {name: set(group["hosts"]) for name, group in found["children"].items() if name != "proxmox"}

    assert all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) for name in groups)
    assert not set(groups) & {"all", "ungrouped", *found["hosts"]}
    for name, guest in lab.guests.items():
        member = {group for group, members in groups.items() if name in members}
        wanted = {re.sub(r"\W", "_", group) for group in guest.groups}
        assert {re.sub(r"^_|_guests$", "", group) for group in member} == {re.sub("_guests$", "", w) for w in wanted}


def test_a_container_without_a_login_is_reached_through_its_host() -> None:
    hosts = {"alpha": Host(node="pve", address="192.0.2.1"), "beta": Host(node="pve")}

    def way(**changes: Any) -> dict[str, Any]:
        guest = Guest(**{"name": "dns", "type": "lxc", "vmid": 100, "node": "pve", "host": "alpha", **changes})
        variables = inventory(Lab(kind="any", hosts=hosts, guests={"dns": guest}))["hosts"]["dns"]
        return {key: value for key, value in variables.items() if key.startswith("ansible")}

    assert way() == {
        "ansible_connection": "community.proxmox.proxmox_pct_remote",
        "ansible_host": "192.0.2.1",
        "ansible_user": "root",
    }
    assert way(type="qemu") == {}
    assert way(host="beta") == {}


def test_a_password_is_the_guests_own_or_that_of_all_guests_and_no_template() -> None:
    def guest(name: str, user: str) -> Guest:
        ssh = Ssh(user=user, address="10.7.0.9")
        return Guest(name=name, type="qemu", vmid=100, node="pve", host="pve", ssh=ssh)

    guests = {name: guest(name, user) for name, user in (("own", "root"), ("alike", "ansible"), ("other", "admin"))}
    logins = {"own": Login(user="root", password="a{{b"), "guests": Login(user="ansible", password="c")}
    lab = Lab(kind="any", guests=guests, credentials=logins)

    passwords = {name: each.get("ansible_password") for name, each in inventory(lab)["hosts"].items()}
    assert passwords == {"own": "a{{b", "alike": "c", "other": None}
    assert 'ansible_password: !unsafe "a{{b"' in ansible.render(lab)


def test_opensshs_client_goes_where_the_lab_says(tmp_path: Path) -> None:
    need("ssh")
    ssh = Ssh(user="ansible", address="10.7.0.9", port=2222, jump="root@192.0.2.1")
    guest = Guest(name="web-1", type="qemu", vmid=100, node="pve", host="alpha", ssh=ssh)
    hosts = {"alpha": Host(node="pve", address="192.0.2.1"), "web-1": Host(node="x", address="192.0.2.9")}
    file = tmp_path / ssh_config.FILE
    file.write_text(ssh_config.render(Lab(kind="any", hosts=hosts, guests={"web-1": guest})))

    def way(name: str) -> dict[str, str]:
        done = subprocess.run(["ssh", "-G", "-F", file, name], capture_output=True, text=True, check=True)
        options = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        found = {key: options[key] for key in ("hostname", "user", "port", "proxyjump") if key in options}
        return {key: re.sub(r"[][]", "", value) for key, value in found.items()}

    assert way("web-1") == {"hostname": "10.7.0.9", "user": "ansible", "port": "2222", "proxyjump": "root@192.0.2.1"}
    assert way("alpha") == {"hostname": "192.0.2.1", "user": "root", "port": "22"}


@given(labs())
def test_opnsense_is_told_each_address_of_a_network_where_it_gives_them_out(lab: Lab) -> None:
    wanted = {
        (guest.name, nic.address)
        for guest in lab.guests.values()
        for nic in guest.nics.values()
        if nic.address and nic.network == "lan"
    }
    if not wanted:
        return
    rows = list(csv.DictReader(io.StringIO(opnsense.render(lab))))

    assert {(row["hostname"], row["ip_address"]) for row in rows} == wanted
    assert len(rows) == len(wanted)


def test_a_fixed_address_where_no_dhcp_is_is_nothing_for_opnsense() -> None:
    nic = Nic(mac="BC:24:11:00:00:01", network="lan", address="10.7.0.9")
    guest = Guest(name="dns", type="lxc", vmid=100, node="pve", host="pve", nics={"net0": nic})

    with pytest.raises(NothingForItError, match="no guest has a fixed address"):
        opnsense.render(Lab(kind="any", guests={"dns": guest}, networks={"lan": Network(bridge="vmbr0")}))


@given(labs())
def test_prometheus_has_a_target_for_each_that_has_an_address(lab: Lab) -> None:
    wanted = {name for name, guest in lab.guests.items() if guest.address}
    hosts = {name for name, host in lab.hosts.items() if host.address}
    if not wanted and not hosts:
        return
    found = json.loads(prometheus.render(lab))

    assert {row["labels"]["name"] for row in found if row["labels"]["type"] != "node"} == wanted
    assert {row["labels"]["name"] for row in found if row["labels"]["type"] == "node"} == hosts
    for row in found:
        guest = lab.guests.get(row["labels"]["name"]) if row["labels"]["type"] != "node" else None
        if guest is not None:
            assert row["targets"] == [f"{guest.address}:9100"]
            assert row["labels"].get("groups", "") == (f",{','.join(guest.groups)}," if guest.groups else "")


def test_prometheus_takes_the_targets(tmp_path: Path) -> None:
    need("promtool")
    nic = Nic(mac="BC:24:11:00:00:01", address="fd00:7::7")
    guest = Guest(name="web-1", type="qemu", vmid=100, node="pve", host="pve", nics={"net0": nic}, groups=("web",))
    (tmp_path / prometheus.FILE).write_text(prometheus.render(Lab(kind="any", guests={"web-1": guest})))
    config = {"scrape_configs": [{"job_name": "lab", "file_sd_configs": [{"files": [prometheus.FILE]}]}]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))

    done = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, "SUCCESS" in done.stdout) == (0, True), done.stderr


def zone_of(lab: Lab) -> dict[str, list[str]]:
    """The records by name; each is a line of its own."""
    found: dict[str, list[str]] = {}
    for line in dns_zone.render(lab).splitlines():
        name, *rest = line.split()
        found.setdefault(name, []).append(" ".join(rest))
    return found


@given(labs())
def test_the_zone_has_each_name_once_with_an_address_of_its_own(lab: Lab) -> None:
    networks = {name: network.model_copy(update={"domain": "example.lab"}) for name, network in lab.networks.items()}
    inside = lab.model_copy(update={"networks": networks})
    wanted = {
        name: nic.address
        for name, guest in lab.guests.items()
        for nic in guest.nics.values()
        if nic.address and nic.network
    }
    hosts = {name: host.address for name, host in lab.hosts.items() if host.address}
    if not wanted and not hosts:
        return
    records = zone_of(inside)

    assert records.pop("$ORIGIN") == ["example.lab."]
    assert records.pop("$TTL") == ["300"]
    assert [record.split()[1] for record in records.pop("@")] == ["SOA", "NS"]
    assert records == {name: [f"IN A {address}"] for name, address in {**hosts, **wanted}.items()}


def test_a_zone_reaches_down_to_domains_below_it_and_names_who_serves_names() -> None:
    def guest(name: str, network: str, address: str, *groups: str) -> Guest:
        nics = {"net0": Nic(mac="BC:24:11:00:00:01", network=network, address=address)}
        return Guest(name=name, type="lxc", vmid=100, node="pve", host="pve", nics=nics, groups=groups)

    networks = {"lan": Network(domain="example.lab"), "far": Network(domain="far.example.lab")}
    guests = {
        "dns-1": guest("dns-1", "lan", "10.7.0.2", "dns"),
        "web": guest("web", "far", "fd00:7::9"),
        "front": guest("front", "lan", "10.7.0.3"),
    }
    front = Vip(address="10.7.0.5", network="lan", members=("web",))
    lab = Lab(kind="any", networks=networks, guests=guests, vips={"front": front, "virtual": front})

    records = zone_of(lab)

    assert records["@"] == ["IN SOA dns-1 hostmaster 1 3600 600 604800 300", "IN NS dns-1"]
    assert records["web.far"] == ["IN AAAA fd00:7::9"]
    assert (records["front"], records["virtual"]) == (["IN A 10.7.0.3"], ["IN A 10.7.0.5"])
    apart = lab.model_copy(update={"networks": {**networks, "other": Network(domain="example.org")}})
    with pytest.raises(NothingForItError, match=r"one zone, and its networks are in example\.lab and example\.org"):
        dns_zone.render(apart)
