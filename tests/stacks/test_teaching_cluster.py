"""The cluster for teaching: its page, and on the real engine a course whose pupils reach their own guests only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from lab_outputs import Lab
from tests.conftest import Simulator, as_json
from tests.engine import Program
from tests.providers.networks import file_of
from tests.providers.networks import lab as hosts
from tests.simulator.client import Client
from tests.stacks.pages import Page, declare, with_own_main
from tests.stacks.told import told_by

PAGE = Page("teaching-cluster")
FILE, page, refusal = PAGE.file, PAGE.changed, PAGE.refusal


def test_ceph_is_refused_with_the_reason() -> None:
    said = refusal(ceph={"public": "green"})

    assert said.startswith(f"{FILE}: proxmox:lab.ceph: Ceph is not set up by this project yet")
    assert "; take it out (it is {'public': 'green'})" in said


def test_what_does_not_fit_together_is_told_all_at_once_with_file_key_value_and_remedy() -> None:
    course = page()["courses"][0]
    wrong = {**course, "teams": [*course["teams"], {"name": "ann"}], "vmids": "5000-5003"}

    assert refusal(courses=[wrong]).split(f"; {FILE}: ") == [
        f"{FILE}: proxmox:lab.courses.0.teams.3.name: courses.0.teams.0 is called so already; take another "
        "(it is 'ann')",
        "proxmox:lab.courses.0.vmids: the course has 8 guests; take a range with room for them, and more "
        "(it is '5000-5003')",
    ]


def test_a_mistyped_key_of_a_part_is_told() -> None:
    said = refusal(dns={"servers": ["192.0.2.1"], "serch": "example.org"})

    assert "proxmox:lab.dns.serch: there is no such key; take it out, or look for a typing error" in said


@pytest.fixture
def lab(classroom: Simulator, program_on: Callable[..., Program]) -> Program:
    """The project's own program, with the page that is shipped."""
    return with_own_main(program_on(classroom, {"proxmox:lab": page()}))


NODES = ("pve1", "pve2", "pve3")


@pytest.mark.engine
def test_the_lab_comes_up_from_nothing_grows_without_moving_anybody_and_goes_without_a_trace(
    lab: Program, classroom: Simulator
) -> None:
    before, networks = _state(classroom), [file_of(classroom, node) for node in NODES]
    two = {name: node for name, node in page()["nodes"].items() if name != "pve3"}
    declare(lab, page(nodes=two))

    first = lab.up()

    assert first.code == 0, first.text
    told = told_by(lab)
    for exercise in ("web", "db"):
        nodes = Counter(guest.host for guest in told.guests.values() if exercise in guest.groups)
        assert sorted(nodes.values()) == [1, 2]
    assert told.guests["linux-red-db-1"].groups == ("linux", "red", "db")
    assert all(5000 <= guest.vmid <= 5999 for guest in told.guests.values())
    assert set(told.networks["green"].roles) == {"management", "ceph-public", "ceph-cluster"}
    plain = lab.pulumi("stack", "export").stdout
    assert not [user for user, login in told.credentials.items() if login.password in plain]
    second = lab.up()
    assert (second.code, second.changes) == (0, {}), second.text
    _guests_let_in_what_the_page_says(classroom, told)
    _a_pupil_reaches_his_own_guests_only(classroom, told)
    _a_teacher_reaches_those_of_the_whole_course(classroom, told)

    declare(lab, page())  # the third node, which brings its network, its name servers, and a template with its image
    grown = lab.up()

    assert grown.code == 0, grown.text
    after = told_by(lab)
    assert after.guests == told.guests
    assert set(after.templates) == set(NODES)
    gone = lab.destroy()
    assert gone.code == 0, gone.text
    assert _state(classroom) == before
    assert [file_of(classroom, node) for node in NODES] == networks


def _state(classroom: Simulator) -> str:
    """All that there is, without the nodes' interfaces: these are compared by their text."""
    (told,) = classroom.state().values()
    files = {name: file for name, file in told["files"].items() if "/network/" not in name}
    return as_json({**told, "files": files, "interfaces": {}})


def _guests_let_in_what_the_page_says(classroom: Simulator, told: Lab) -> None:
    guest = told.guests["linux-red-db-1"]
    firewall = f"/nodes/{guest.node}/qemu/{guest.vmid}/firewall"
    options = classroom.by_hand("GET", f"{firewall}/options")
    assert (options["enable"], options["policy_in"]) == (1, "DROP")
    (inserted,) = classroom.by_hand("GET", f"{firewall}/rules")
    rules = classroom.by_hand("GET", f"/cluster/firewall/groups/{inserted['action']}")
    assert [(rule["macro"], rule.get("source")) for rule in rules] == [
        ("SSH", "192.168.7.0/24"), ("SSH", "127.0.0.0/8"), ("SSH", "192.168.7.32/28"), ("Ping", None),
    ]  # fmt: skip


def _logged_in(classroom: Simulator, told: Lab, user: str) -> Client:
    """As that user with the password that the lab tells."""
    client = Client(next(iter(classroom.running.connections.values())))
    assert client.login(user, told.credentials[user].password).status == 200
    return client


def _seen_by(client: Client, user: str) -> set[str]:
    rows = client.call("GET", "/cluster/resources", {"type": "vm"}, as_user=user).data
    return {row["name"] for row in rows}


def _a_pupil_reaches_his_own_guests_only(classroom: Simulator, told: Lab) -> None:
    client = _logged_in(classroom, told, "eve@pve")
    own, other = told.guests["linux-red-web-1"], told.guests["linux-ann-web-1"]
    mine = f"/nodes/{own.node}/qemu/{own.vmid}/status"

    assert _seen_by(client, "eve@pve") == {"linux-red-web-1", "linux-red-db-1"}
    for command, status in (("stop", "stopped"), ("start", "running")):
        assert client.call("POST", f"{mine}/{command}", as_user="eve@pve").status == 200
        assert client.call("GET", f"{mine}/current", as_user="eve@pve").data["status"] == status
    for path in (f"/nodes/{other.node}/qemu/{other.vmid}/status/stop", f"/nodes/{other.node}/status"):
        assert (
            client.call("POST", path, {"command": "reboot"} if path.endswith("/status") else None, "eve@pve").status
            == 403
        )
    assert client.call("DELETE", f"/nodes/{own.node}/qemu/{own.vmid}", as_user="eve@pve").status == 403


def _a_teacher_reaches_those_of_the_whole_course(classroom: Simulator, told: Lab) -> None:
    client = _logged_in(classroom, told, "kim@pve")

    assert _seen_by(client, "kim@pve") == set(told.guests)
    guest = told.guests["linux-ann-db-1"]
    node = f"/nodes/{guest.node}"
    order = {"vmid": guest.vmid, "storage": "local"}
    assert client.call("POST", f"{node}/vzdump", order, as_user="kim@pve").status == 200
    (archive,) = client.call("GET", f"{node}/storage/local/content", {"vmid": guest.vmid}, as_user="kim@pve").data
    removed = client.call("DELETE", f"{node}/storage/local/content/{archive['volid']}", as_user="kim@pve")
    assert removed.status == 200


APART = """
login: password
datacenters:
  pve1:
    nodes:
      pve1: {memory: 128G, ip: 192.168.7.11, nics: [eno8303, eno8304, ens6f0np0, ens6f1np1]}
    storages: &storages
      local: {type: dir, path: /var/lib/vz, content: "backup,import,iso,snippets,vztmpl", size: 200G}
      local-zfs: {type: zfspool, pool: rpool/data, content: "images,rootdir", size: 2T}
  pve2:
    nodes:
      pve2: {memory: 128G, ip: 192.168.7.12, nics: [eno8303, eno8304, ens6f0np0, ens6f1np1]}
    storages: *storages
"""
"""Two hosts as their installer leaves them, which are in no cluster yet."""


@pytest.mark.engine
def test_nodes_that_are_in_no_cluster_become_one_over_their_own_network_and_copy_disks_to_each_other(
    tmp_path: Path, program_on: Callable[..., Program]
) -> None:
    pair = {name: node for name, node in page()["nodes"].items() if name != "pve3"}
    course = {**page()["courses"][0], "teams": [{"name": "ann"}]}
    local, zfs = (
        {"type": "dir", "options": {"path": "/var/lib/vz"}},
        {"type": "zfspool", "options": {"pool": "rpool/data"}},
    )
    forming = page(
        nodes=pair,
        courses=[course],
        connection="pve1",
        cluster={"name": "school", "joining": {"pve2": "pve2"}},
        storages={
            "local": {**local, "content": ["backup", "import", "iso", "vztmpl"], "installed": True},
            "local-zfs": {**zfs, "content": ["images", "rootdir"], "installed": True},
        },
        storage="local-zfs",
        template={**page()["template"], "linked": False},
        replication={"schedule": "*/5"},
    )
    with hosts(tmp_path, APART) as apart:
        lab = with_own_main(
            program_on(apart, {"proxmox:simulator": str(tmp_path / "lab.yaml"), "proxmox:lab": forming})
        )

        first = lab.up()

        assert first.code == 0, first.text
        status = apart.by_hand("GET", "/cluster/status")
        assert {row["name"] for row in status} == {"school", "pve1", "pve2"}
        links = {row["node"]: row["ring0_addr"] for row in apart.by_hand("GET", "/cluster/config/nodes")}
        assert links == {"pve1": "10.7.0.11", "pve2": "10.7.0.12"}
        assert set(told_by(lab).guests) == {"linux-ann-web-1", "linux-ann-db-1"}
        jobs = apart.by_hand("GET", "/cluster/replication")
        assert {(job["source"], job["target"]) for job in jobs} == {("pve1", "pve2"), ("pve2", "pve1")}
        assert apart.by_hand("GET", "/storage/local")["content"].count("snippets") == 0
        second = lab.up()
        assert (second.code, second.changes) == (0, {}), second.text
        assert lab.destroy().code == 0
        assert apart.by_hand("GET", "/cluster/resources", {"type": "vm"}) == []
