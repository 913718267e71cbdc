"""Files on storages: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers._runtime.client import Client
from providers._runtime.errors import AlreadyThere, Missing
from providers._runtime.facts import Facts
from providers._runtime.model import canonical
from providers._storages.file_inputs import FileInputs
from providers.file import id_of, place_of
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks
from tests.runtime.doors import access_to, connection_to, soon

ONE, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4
EXAMPLE: dict[str, Any] = {
    "node": "pve1",
    "storage": "local",
    "content": "vztmpl",
    "filename": "it.tar",
    "url": "https://images.example.org/it.tar",
    "checksum": ONE,
    "checksum_algorithm": "sha256",
}
UPDATES = [
    {**EXAMPLE, "checksum": OTHER},
    {**EXAMPLE, "url": "https://images.example.org/next/it.tar", "checksum": ONE, "verify_certificates": False},
]
DRIFT = [
    ("DELETE", "/nodes/pve1/storage/local/content/local:vztmpl/it.tar", {}),
    ("POST", "/nodes/pve1/storage/local/oci-registry-pull", {"reference": "debian:13", "filename": "it"}),
]


@pytest.fixture
def file(simulator: Simulator) -> Driver:
    """A file of a program whose connection has no SSH."""
    return Driver(simulator, "file")


@pytest.fixture
def ssh_file(simulator: Simulator) -> Driver:
    """A file of a program whose connection has SSH."""
    return with_ssh(Driver(simulator, "file"))


def with_ssh(driver: Driver) -> Driver:
    """Log in to the nodes over SSH, too."""
    simulator = driver.simulator
    driver.client = Client("lab", connection_to(simulator, ssh=access_to(simulator)), 4)
    driver.facts = Facts(driver.client)
    return driver


def image(folder: Path, content: bytes, name: str = "it.iso") -> dict[str, Any]:
    """A file of this machine."""
    (folder / name).write_bytes(content)
    return {"node": "pve1", "storage": "local", "content": "iso", "path": str(folder / name)}


def snippet(text: str) -> dict[str, Any]:
    """A snippet."""
    return {"node": "pve1", "storage": "local", "content": "snippets", "filename": "user.yaml", "data": text}


def problems(**values: object) -> str:
    """What is wrong with a file before any host is asked."""
    given = {"node": "pve1", "storage": "local", "content": "iso", **values}
    return "; ".join(f"{field}: {why}" for field, why in canonical(FileInputs, given, frozenset())[1])


def there(simulator: Simulator) -> dict[str, int]:
    """The files on the storage, and their sizes."""
    rows = simulator.by_hand("GET", "/nodes/pve1/storage/local/content")
    return {row["volid"]: row["size"] for row in rows}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"data": "x"}, "filename: it is required"),
        ({"filename": "a.iso"}, "url: a file has exactly one of url, path, data, template, oci"),
        ({"url": "https://e.org/a.iso", "data": "x"}, "data: a file has exactly one of"),
        ({"url": "https://e.org/a.qcow2"}, "filename: 'a.qcow2' is no name for iso, whose files end in .iso, .img"),
        ({"url": "https://e.org/a b.iso"}, "url: "),
        ({"url": "https://e.org/a.iso", "filename": "a/b.iso"}, "filename: "),
        ({"url": "https://e.org/a.iso", "checksum": "ab" * 32}, "checksum: it goes with checksum_algorithm"),
        ({"url": "https://e.org/a.sh", "content": "snippets"}, "url: Proxmox fetches no snippets"),
        ({"oci": "debian:13", "filename": "d.iso"}, "content: what comes from `oci` is a container template"),
        ({"oci": "debian:13", "content": "vztmpl", "filename": "d.tar.gz"}, "filename: an OCI image is kept as a .tar"),
        ({"template": "a.tar.zst", "content": "vztmpl", "filename": "b.tar.zst"}, "Proxmox calls it a.tar.zst"),
        ({"data": "x", "filename": "a.iso", "decompression": "gz"}, "decompression: only a download"),
        ({"url": "https://e.org/a.raw", "content": "import", "decompression": "gz"}, "unpacks ISO images only"),
        ({"path": "no/such.iso"}, "path: there is no file 'no/such.iso'"),
        ({"data": "x", "filename": "a.iso", "checksum": "ab" * 16, "checksum_algorithm": "md5"}, "is another one"),
    ],
)
def test_what_can_not_be_is_refused_with_its_field(values: dict[str, Any], said: str) -> None:
    assert said in problems(**values)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"url": "https://e.org/files/a.iso?token=1#x"}, "a.iso"),
        ({"oci": "registry.example.org:5000/library/debian:13", "content": "vztmpl"}, "debian_13.tar"),
        ({"template": "debian-13.tar.zst", "content": "vztmpl"}, "debian-13.tar.zst"),
    ],
)
def test_a_file_is_called_as_its_source(source: dict[str, str], name: str) -> None:
    given = {"node": "pve1", "storage": "local", "content": "iso", **source}
    values, wrong = canonical(FileInputs, given, frozenset())

    assert (wrong, values["filename"]) == ([], name)


def test_a_local_file_is_uploaded_once_and_again_when_its_content_is_another_one(file: Driver, tmp_path: Path) -> None:
    args = image(tmp_path, b"one" * 1000)
    outputs = file.up(args)
    assert (outputs["volid"], outputs["size"]) == ("local:iso/it.iso", 3000)
    assert file.drift() == {}

    file.simulator.forget_requests()
    file.again()
    file.up(args)
    assert tasks(file.simulator) == []

    file.again()
    file.up(image(tmp_path, b"two" * 2000))
    assert tasks(file.simulator) == ["POST upload"]
    assert there(file.simulator)["local:iso/it.iso"] == 6000
    assert file.drift() == {}


def test_a_preview_shows_the_checksum_of_a_local_file_and_its_volume(file: Driver, tmp_path: Path) -> None:
    inputs, wrong = file.check(image(tmp_path, b"one"))

    assert wrong == []
    assert inputs["checksum"] == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert inputs["volid"] == "local:iso/it.iso"


def test_a_big_file_streams_and_tells_how_far_it_is(file: Driver, tmp_path: Path) -> None:
    said: list[str] = []
    inputs, _ = file.check(image(tmp_path, bytes(11 << 20)))
    api = file.api
    api.say = said.append

    file.handler.create(api, {name: inputs[name] for name in inputs if name != "planned"})

    assert "uploading local:iso/it.iso 50 %" in said
    assert there(file.simulator)["local:iso/it.iso"] == 11 << 20


def test_the_upload_of_a_died_run_is_found_again_by_size_and_checksum(ssh_file: Driver, tmp_path: Path) -> None:
    ssh_file.up(image(tmp_path, b"one" * 1000))
    ssh_file.simulator.forget_requests()

    again = with_ssh(Driver(ssh_file.simulator, "file"))
    again.up(image(tmp_path, b"one" * 1000))
    assert tasks(again.simulator) == []
    assert again.warnings == ["local:iso/it.iso is on pve1 exactly as declared, and is taken over"]

    other = with_ssh(Driver(ssh_file.simulator, "file"))
    with pytest.raises(AlreadyThere, match=r"local:iso/it\.iso already exists on pve1"):
        other.up(image(tmp_path, b"two" * 1000))


def test_a_foreign_file_is_refused_in_a_preview_and_replaced_when_adopted(file: Driver, tmp_path: Path) -> None:
    Driver(file.simulator, "file", "other").up(image(tmp_path, b"foreign"))
    args = image(tmp_path, b"ours, and longer")

    assert "local:iso/it.iso already exists on pve1 with 7 bytes" in file.problems(args)["filename"]

    file.up({**args, "adopt": "if-exists"})
    assert there(file.simulator)["local:iso/it.iso"] == 16


def test_a_download_is_replaced_by_one_that_is_complete_before_the_old_one_goes(ssh_file: Driver) -> None:
    ssh_file.up(EXAMPLE)
    before = there(ssh_file.simulator)
    ssh_file.simulator.forget_requests()
    ssh_file.again()

    ssh_file.up(UPDATES[0])

    assert tasks(ssh_file.simulator) == ["POST download-url"]
    assert there(ssh_file.simulator) == before
    assert ssh_file.drift() == {}
    assert ssh_file.client.ssh.check(
        "pve1", ["sha256sum", "/var/lib/vz/template/cache/it.tar"], deadline=soon()
    ).startswith(OTHER.encode())


def test_without_ssh_the_old_download_goes_first_and_that_is_said(file: Driver) -> None:
    file.up(EXAMPLE)
    file.simulator.forget_requests()
    file.again()

    file.up(UPDATES[0])

    assert [line.split()[0] for line in tasks(file.simulator)] == ["DELETE", "POST"]
    assert file.warnings == [
        "local:vztmpl/it.tar is removed before the new one is there: the connection has no `ssh` for pve1"
    ]


def test_without_ssh_a_url_that_does_not_answer_leaves_the_old_file_alone(file: Driver) -> None:
    file.up(EXAMPLE)
    file.again()

    with pytest.raises(Missing, match=r"no answer from http://127.0.0.1:9/it.tar, so local:vztmpl/it.tar stays"):
        file.up({**UPDATES[0], "url": "http://127.0.0.1:9/it.tar"})

    assert "local:vztmpl/it.tar" in there(file.simulator)


def test_another_url_with_the_same_checksum_brings_nothing_anew(file: Driver) -> None:
    file.up(EXAMPLE)
    file.simulator.forget_requests()
    file.again()

    file.up({**EXAMPLE, "url": "https://mirror.example.org/it.tar"})

    assert tasks(file.simulator) == []


def test_a_checksum_that_is_added_is_compared_by_proxmox_itself(file: Driver) -> None:
    plain = {name: value for name, value in EXAMPLE.items() if not name.startswith("checksum")}
    file.up(plain)
    file.simulator.forget_requests()
    file.again()

    file.up(EXAMPLE)

    assert tasks(file.simulator) == ["POST download-url"]
    assert file.drift() == {}


def test_a_snippet_is_written_and_a_change_of_it_by_hand_is_seen(ssh_file: Driver) -> None:
    ssh_file.up(snippet("#cloud-config\n"))
    path, ssh = "/var/lib/vz/snippets/user.yaml", ssh_file.client.ssh
    assert ssh.read("pve1", path, deadline=soon()) == b"#cloud-config\n"
    assert ssh_file.drift() == {}

    ssh.write("pve1", path, b"#cloud-KONFIG\n", deadline=soon())
    assert set(ssh_file.drift()) == {"checksum"}
    ssh_file.refresh()
    ssh_file.up(snippet("#cloud-config\n"))

    assert ssh.read("pve1", path, deadline=soon()) == b"#cloud-config\n"
    ssh_file.delete()
    assert ssh.read("pve1", path, deadline=soon()) is None


def test_a_snippet_needs_ssh_and_the_preview_says_so(file: Driver) -> None:
    assert (
        "snippets go over SFTP, and the connection's `ssh` has no host pve1"
        in (file.problems(snippet("x"))["connection"])
    )


def test_appliances_and_images_of_a_registry_are_fetched_by_the_node(file: Driver) -> None:
    common = {"node": "pve1", "storage": "local", "content": "vztmpl"}
    name = next(row["template"] for row in file.simulator.by_hand("GET", "/nodes/pve1/aplinfo"))
    image = Driver(file.simulator, "file", "image")

    file.up({**common, "template": name})
    outputs = image.up({**common, "oci": "docker.io/library/debian:13"})

    assert {f"local:vztmpl/{name}", "local:vztmpl/debian_13.tar"} <= set(there(file.simulator))
    assert outputs["filename"] == "debian_13.tar"
    assert (file.drift(), image.drift()) == ({}, {})


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"node": "pve9"}, "node", "there is no node 'pve9'; there are pve1"),
        ({"storage": "elsewhere"}, "storage", "there is no storage 'elsewhere' on pve1, and this program makes none"),
        ({"storage": "local-lvm"}, "storage", "storage 'local-lvm' can't hold iso; it is for images,rootdir"),
        ({"template": "none.tar.zst", "content": "vztmpl"}, "template", "there is no appliance 'none.tar.zst'"),
    ],
)
def test_what_the_host_would_refuse_is_refused_in_the_preview(
    file: Driver, changed: dict[str, str], field: str, said: str
) -> None:
    source = {} if "template" in changed else {"url": "https://images.example.org/a.iso"}
    args = {"node": "pve1", "storage": "local", "content": "iso", **source, **changed}

    assert said in file.problems(args)[field]


def test_a_storage_without_room_is_refused_in_the_preview(file: Driver) -> None:
    file.simulator.control("POST", "storages", {"storage": "local", "node": "pve1", "free": 100 << 20})

    wrong = file.problems(EXAMPLE)

    assert "512.0 MiB are needed on 'local' of pve1, and there are" in wrong["storage"]


def test_files_that_share_a_storage_share_one_list(file: Driver, tmp_path: Path) -> None:
    file.up(image(tmp_path, b"one"))
    file.again()
    file.simulator.forget_requests()

    assert file.drift() == {}

    assert [row["path"] for row in file.simulator.requests()] == ["/api2/json/nodes/pve1/storage/local/content"]


def test_the_same_file_is_on_each_node_a_file_of_its_own(cluster: Simulator) -> None:
    files = [Driver(cluster, "file", node) for node in ("pve1", "pve2", "pve3")]

    ids = [file.up({**EXAMPLE, "node": file.name})["volid"] and file.id for file in files]

    assert len(set(ids)) == 3
    assert [file.drift() for file in files] == [{}, {}, {}]


@given(
    st.from_regex(r"[a-z][a-z0-9-]*[a-z0-9]", fullmatch=True),
    st.from_regex(
        r"[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]:(iso|backup/vm/100)/[A-Za-z0-9_][A-Za-z0-9._:-]*", fullmatch=True
    ),
)
def test_an_id_tells_the_node_and_the_volume(node: str, volid: str) -> None:
    assert place_of(id_of(node, volid)) == (node, volid)


def test_a_privilege_that_is_missing_is_named_with_the_command_that_grants_it(file: Driver) -> None:
    token = file.simulator.by_hand("POST", "/access/users/root@pam/token/weak", {"privsep": 1})["value"]
    weak = connection_to(file.simulator, token_id="root@pam!weak", token_secret=token)
    file.client = Client("lab", weak, 4)
    file.facts = Facts(file.client)

    said = [text for _, text in file.check(EXAMPLE)[1]]

    assert (
        "it needs Datastore.AllocateTemplate on /storage/local: pveum acl modify /storage/local --tokens "
        "'root@pam!weak' --roles PVEDatastoreAdmin" in said
    )
