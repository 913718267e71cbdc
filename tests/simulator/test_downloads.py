"""Files that come from elsewhere: what is really fetched, what its checksum has to be, and what is only offered."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import ssl
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from simulator.certificates import Certificates
from simulator.errors import ApiError
from tests.simulator.client import Client
from tests.simulator.guest_bench import Bench

_ISO = b"not much of an image" * 1000
_OVF = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
 <References><File ovf:id="file1" ovf:href="disk1.vmdk"/></References>
 <DiskSection><Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="2"
  ovf:capacityAllocationUnits="byte * 2^30"/></DiskSection>
 <VirtualSystem ovf:id="vm"><Name>web server</Name><VirtualHardwareSection>
  <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
   <rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
  <Item><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType>
   <rasd:VirtualQuantity>2048</rasd:VirtualQuantity></Item>
  <Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>20</rasd:ResourceType></Item>
  <Item><rasd:InstanceID>4</rasd:InstanceID><rasd:ResourceType>17</rasd:ResourceType>
   <rasd:Parent>3</rasd:Parent><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource></Item>
  <Item><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType></Item>
 </VirtualHardwareSection></VirtualSystem>
</Envelope>
"""


class _Files(BaseHTTPRequestHandler):
    """Serves a file, the same packed, and nothing else."""

    files: ClassVar[dict[str, bytes]] = {"/a.iso": _ISO, "/a.iso.gz": gzip.compress(_ISO)}

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        data = self.files.get(self.path)
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        self.send_header("Content-Type", "application/x-iso9660-image")
        self.end_headers()
        if body:
            self.wfile.write(data or b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    made = HTTPServer(("127.0.0.1", 0), _Files)
    made.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context is not None:
        made.socket = context.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made.server_port
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


@pytest.fixture
def server() -> Iterator[str]:
    with _serving() as port:
        yield f"http://127.0.0.1:{port}"


def _download(bench: Bench, url: str, filename: str = "a.iso", **options: Any) -> Any:
    return bench.run("POST", "storage/local/download-url", url=url, content="iso", filename=filename, **options)


def _sha256(data: bytes) -> dict[str, str]:
    return {"checksum": hashlib.sha256(data).hexdigest(), "checksum_algorithm": "sha256"}


def test_a_file_of_this_machine_is_really_fetched_and_checked(bench: Bench, server: str) -> None:
    task = _download(bench, f"{server}/a.iso", **_sha256(_ISO))
    assert (task.type, task.id, task.exitstatus) == ("download", "a.iso", "OK")
    assert "OK, checksum verified" in task.log
    assert bench.call("GET", "storage/local/content/local:iso/a.iso")["size"] == len(_ISO)


def test_a_wrong_checksum_fails_the_download_and_keeps_nothing(bench: Bench, server: str) -> None:
    got, expected = hashlib.sha256(_ISO).hexdigest(), hashlib.sha256(b"other").hexdigest()
    task = _download(bench, f"{server}/a.iso", **_sha256(b"other"))
    assert task.exitstatus == f"checksum mismatch: got '{got}' != expect '{expected}'"
    assert "iso/a.iso" not in str(bench.call("GET", "storage/local/content", content="iso"))


def test_a_file_that_is_there_is_fetched_no_second_time(bench: Bench, server: str) -> None:
    _download(bench, f"{server}/a.iso")
    again = _download(bench, f"{server}/a.iso", **_sha256(_ISO))
    assert again.log[-2:] == ("OK, got correct file already, no need to download", "TASK OK")
    other = _download(bench, f"{server}/a.iso", **_sha256(b"other"))
    assert str(other.exitstatus).endswith("', aborting")
    unchecked = _download(bench, f"{server}/a.iso")
    assert unchecked.exitstatus == "refusing to override existing file '/var/lib/vz/template/iso/a.iso'"


def test_a_packed_image_is_unpacked(bench: Bench, server: str) -> None:
    task = _download(bench, f"{server}/a.iso.gz", compression="gz", **_sha256(gzip.compress(_ISO)))
    assert task.exitstatus in ("OK", None) or "checksum mismatch" in str(task.exitstatus)
    task = _download(bench, f"{server}/a.iso.gz", "b.iso", compression="gz")
    assert task.exitstatus == "OK"
    assert bench.call("GET", "storage/local/content/local:iso/b.iso")["size"] == len(_ISO)
    broken = _download(bench, f"{server}/a.iso", "c.iso", compression="gz")
    assert "decompression failed" in str(broken.exitstatus)


@pytest.mark.parametrize(("path", "text"), [("/nope.iso", "ERROR 404: Not Found."), ("", "ERROR 404: Not Found.")])
def test_what_a_server_refuses_fails_the_download(bench: Bench, server: str, path: str, text: str) -> None:
    assert _download(bench, f"{server}{path}").exitstatus == f"download failed: {text}"


def test_a_certificate_that_nobody_signed_is_refused_unless_it_is_not_looked_at(
    bench: Bench, tmp_path: Path
) -> None:  # fmt: skip
    with _serving(Certificates(tmp_path / "tls").server_context()) as port:
        url = f"https://127.0.0.1:{port}/a.iso"
        refused = _download(bench, url)
        assert refused.exitstatus == (
            "download failed: To connect to 127.0.0.1 insecurely, use `--no-check-certificate'."
        )
        assert _download(bench, url, verify_certificates=0).exitstatus == "OK"


def test_a_file_from_outside_is_what_its_checksum_says_if_that_can_be_one(bench: Bench) -> None:
    url = "https://images.example.test/a.iso"
    good = _download(bench, url, **_sha256(b"whatever it is"))
    assert good.exitstatus == "OK"
    for checksum in ("0" * 64, "abc", "x" * 64):
        bad = _download(bench, url, "b.iso", checksum=checksum, checksum_algorithm="sha256")
        assert "checksum mismatch" in str(bad.exitstatus)
    other = _download(bench, url, **_sha256(b"something else"))
    assert "checksum mismatch" in str(other.exitstatus)


def test_a_url_is_described_before_it_is_downloaded(bench: Bench, server: str) -> None:
    facts = bench.call("GET", "query-url-metadata", url=f"{server}/a.iso")
    assert facts == {"filename": "a.iso", "size": len(_ISO), "mimetype": "application/x-iso9660-image"}
    with pytest.raises(ApiError, match="404"):
        bench.call("GET", "query-url-metadata", url=f"{server}/b.iso")


def _upload(client: Client, name: str, data: bytes, content: str) -> str:
    answer = client.session.post(
        f"{client.url}/api2/json/nodes/pve1/storage/local/upload", headers=client.token_header(),
        data={"content": content}, files={"filename": (name, data)}, timeout=30,
    )  # fmt: skip
    status = client.call("GET", f"/nodes/pve1/tasks/{answer.json()['data']}/status").data["exitstatus"]
    assert isinstance(status, str)
    return status


def test_an_uploaded_file_is_known_by_its_bytes(client: Client) -> None:
    assert _upload(client, "up.iso", _ISO, "iso") == "OK"
    same = {"url": "http://images.example.test/x", "content": "iso", "filename": "up.iso", "checksum-algorithm": "sha1"}
    for data, ended in ((_ISO, "OK"), (b"other", "aborting")):
        checksum = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        upid = client.call("POST", "/nodes/pve1/storage/local/download-url", same | {"checksum": checksum}).data
        assert ended in client.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"]


def test_an_uploaded_appliance_tells_what_it_would_be(client: Client) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("web.ovf")
        entry.size = len(_OVF.encode())
        archive.addfile(entry, io.BytesIO(_OVF.encode()))
    assert _upload(client, "web.ova", packed.getvalue(), "import") == "OK"
    found = client.call("GET", "/nodes/pve1/storage/local/import-metadata", {"volume": "import/web.ova"}).data
    assert found["create-args"] == {"name": "webserver", "cores": "2", "memory": "2048"}
    assert found["disks"] == {"sata0": {"volid": "local:import/web.ova/disk1.vmdk", "size": 2 << 30}}
    assert found["warnings"] == [{"type": "ova-needs-extracting"}]
    disk = {"sata0": f"local-lvm:0,import-from={found['disks']['sata0']['volid']}"}
    upid = client.call("POST", "/nodes/pve1/qemu", {"vmid": 101, **found["create-args"], **disk}).data
    assert client.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"] == "OK"
    assert client.call("GET", "/nodes/pve1/qemu/101/config").data["sata0"] == "local-lvm:vm-101-disk-0,size=2G"
    missing = {"vmid": 102, "sata0": "local-lvm:0,import-from=local:import/web.ova/other.vmdk"}
    upid = client.call("POST", "/nodes/pve1/qemu", missing).data
    assert "failed to stat" in client.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"]
    assert _upload(client, "no.ova", b"no archive", "import").startswith("command 'tar -t -f ")
    refused = client.call("GET", "/nodes/pve1/storage/local/import-metadata", {"volume": "iso/x.iso"})
    assert refused.reason == "invalid content-type 'iso'"


def test_an_offered_template_can_be_downloaded_once(bench: Bench) -> None:
    row = next(row for row in bench.call("GET", "aplinfo") if row["package"] == "alpine-3.24-default")
    volid = f"local:vztmpl/{row['template']}"
    for line in ("OK, checksum verified", "OK, got correct file already, no need to download"):
        assert line in bench.ok("POST", "aplinfo", storage="local", template=row["template"]).log
    assert volid in {found["volid"] for found in bench.call("GET", "storage/local/content", content="vztmpl")}
    bench.ok("POST", "lxc", vmid=101, ostemplate=volid, rootfs="local-lvm:1")
    bench.call("PUT", "/storage/local", content="iso")
    with pytest.raises(ApiError, match="does not support templates"):
        bench.call("POST", "aplinfo", storage="local", template=row["template"])


def test_an_image_of_a_registry_becomes_a_template(bench: Bench) -> None:
    assert "latest" in bench.call("GET", "query-oci-repo-tags", reference="docker.io/library/nginx")
    bench.ok("POST", "storage/local/oci-registry-pull", reference="docker.io/library/nginx:1.29")
    bench.ok("POST", "storage/local/oci-registry-pull", reference="nginx:1.29", filename="web")
    found = {row["volid"] for row in bench.call("GET", "storage/local/content", content="vztmpl")}
    assert {"local:vztmpl/nginx_1.29.tar", "local:vztmpl/web.tar"} <= found
