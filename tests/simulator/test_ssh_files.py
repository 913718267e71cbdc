"""Proxmox's configuration files: what is printed is read back as it was, and what is malformed is refused."""

from __future__ import annotations

import contextlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import api
from simulator.privileges import ALL
from simulator.records import Group, Pool, Role, Section, Snapshot, Token, User
from simulator.ssh import datacenter_cfg, guest_conf, storage_cfg, syntax, user_cfg
from simulator.ssh.guest_conf import GuestConf
from simulator.ssh.syntax import ShellSyntaxError
from simulator.ssh.text import MalformedFileError, decode_text, encode_text
from simulator.ssh.user_cfg import UserCfg

assert api.__all__

FREE_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), max_size=30)
DESCRIPTIONS = st.lists(FREE_TEXT, min_size=1, max_size=4).map("\n".join).filter(bool)
NAMES = st.text(string.ascii_letters, min_size=3, max_size=8)
NUMBERS = st.integers(100, 999999)


@given(FREE_TEXT)
def test_free_text_fits_between_colons_and_is_read_back(text: str) -> None:
    written = encode_text(text)
    assert decode_text(written) == text
    assert re.fullmatch(r"[ -9;-~]*", written)


@st.composite
def storages(draw: st.DrawFn) -> list[Section]:
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    return [Section(id=name, type=kind, options=draw(_OPTIONS[kind])) for name in names for kind in _kind(draw)]


def _kind(draw: st.DrawFn) -> list[str]:
    return [draw(st.sampled_from(sorted(_OPTIONS)))]


_COMMON = {"nodes": st.just("pve1,pve2"), "disable": st.just("1")}
_OPTIONS = {
    "dir": st.fixed_dictionaries(
        {"path": NAMES.map("/mnt/{}".format), "content": st.sampled_from(["iso", "images,rootdir"])},
        optional={**_COMMON, "shared": st.sampled_from(["0", "1"]), "prune-backups": st.just("keep-last=3")},
    ),
    "lvmthin": st.fixed_dictionaries(
        {"vgname": NAMES, "thinpool": NAMES, "content": st.just("images,rootdir")}, optional=_COMMON
    ),
    "nfs": st.fixed_dictionaries(
        {"server": st.just("192.0.2.5"), "export": NAMES.map("/{}".format), "content": st.just("backup")},
        optional={**_COMMON, "options": st.just("vers=4.2,soft")},
    ),
}


@given(storages())
def test_storages_are_read_back(sections: list[Section]) -> None:
    assert storage_cfg.parse(storage_cfg.render(sections)) == sections


MACHINE_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES,
        "memory": st.integers(16, 1 << 20).map(str),
        "cores": st.integers(1, 128).map(str),
        "description": DESCRIPTIONS,
        "scsi0": NUMBERS.map("local-lvm:vm-{0}-disk-0,size=8G".format),
        "net0": st.just("virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=12"),
        "onboot": st.sampled_from(["0", "1"]),
        "lock": st.sampled_from(["backup", "migrate"]),
        "tags": st.sampled_from(["a;b", "prod"]),
    },
)
CONTAINER_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "hostname": NAMES,
        "description": DESCRIPTIONS,
        "rootfs": NUMBERS.map("local-lvm:vm-{0}-disk-0,size=8G".format),
        "net0": st.just("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=dhcp,type=veth"),
        "unprivileged": st.just("1"),
    },
)
SNAPSHOT_NAMES = st.from_regex(r"[a-z][a-z0-9_\-]{2,10}", fullmatch=True).filter(lambda name: name != "pending")


def confs(options: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy[GuestConf]:
    snapshot = st.builds(lambda kept, time: Snapshot(config={**kept, "snaptime": str(time)}), options, NUMBERS)
    return st.builds(
        GuestConf,
        config=options,
        pending=options.map(lambda pending: {k: v for k, v in pending.items() if k != "description"}),
        pending_delete=st.dictionaries(st.sampled_from(["memory", "net1", "onboot"]), st.booleans()),
        snapshots=st.dictionaries(SNAPSHOT_NAMES, snapshot, max_size=3),
    )


@given(confs(MACHINE_OPTIONS))
def test_the_file_of_a_machine_is_read_back(conf: GuestConf) -> None:
    assert guest_conf.parse("qemu", guest_conf.render("qemu", conf)) == conf


@given(confs(CONTAINER_OPTIONS))
def test_the_file_of_a_container_is_read_back(conf: GuestConf) -> None:
    assert guest_conf.parse("lxc", guest_conf.render("lxc", conf)) == conf


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "keyboard": st.just("de"),
            "description": DESCRIPTIONS,
            "consent-text": DESCRIPTIONS.filter(lambda text: encode_text(text).strip() == encode_text(text)),
            "max_workers": st.integers(1, 64).map(str),
            "migration": st.just("secure,network=192.0.2.0/24"),
        },
    )
)
def test_the_settings_of_the_datacenter_are_read_back(options: dict[str, str]) -> None:
    assert datacenter_cfg.parse(datacenter_cfg.render(options)) == options


@st.composite
def user_configurations(draw: st.DrawFn) -> UserCfg:
    """Users with tokens, groups, roles and pools, and permissions for some of them."""
    comment = FREE_TEXT.map(str.strip)
    users = [f"{name}@pve" for name in draw(st.lists(NAMES, unique=True, max_size=3))]
    cfg = UserCfg(
        users={u: User(userid=u, enable=draw(st.booleans()), comment=draw(comment)) for u in users},
        tokens={f"{u}!auto": Token(full_id=f"{u}!auto", secret="", privsep=draw(st.booleans())) for u in users},
        groups={"ops": Group(groupid="ops", comment=draw(comment), members=frozenset(users))},
        roles={"Own": Role(roleid="Own", privs=draw(st.frozensets(st.sampled_from(sorted(ALL)))))},
        pools={"p/q": Pool(poolid="p/q", comment=draw(comment), vms=draw(st.frozensets(NUMBERS, max_size=3)))},
    )  # fmt: skip
    members = ["group/ops", *(f"user/{user}" for user in users), *(f"token/{user}!auto" for user in users)]
    roles = st.dictionaries(st.sampled_from(["Own", "PVEAdmin", "PVEAuditor"]), st.booleans(), min_size=1)
    entries = st.dictionaries(st.sampled_from(members), roles, min_size=1)
    cfg.acl = draw(st.dictionaries(st.sampled_from(["/", "/vms/100", "/storage/local", "/pool/p"]), entries))
    return cfg


@given(user_configurations())
def test_users_and_permissions_are_read_back(cfg: UserCfg) -> None:
    assert user_cfg.parse(user_cfg.render(cfg)) == cfg


LINES = st.lists(st.one_of(st.text(max_size=20), st.text("[]:#,!/ \tabdirs019%=", max_size=30)), max_size=8)


@given(LINES.map("\n".join))
def test_whatever_is_in_a_file_it_is_read_or_refused(text: str) -> None:
    for parse in (
        storage_cfg.parse,
        user_cfg.parse,
        datacenter_cfg.parse,
        lambda it: guest_conf.parse("qemu", it),
        lambda it: guest_conf.parse("lxc", it),
    ):
        with contextlib.suppress(MalformedFileError):
            parse(text)


@given(st.text("abc '\"\\$(){}|&;<>\n!#=*?[]/", max_size=40))
def test_whatever_is_on_a_command_line_it_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ShellSyntaxError):
        syntax.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "floppy: a1\n\tpath /x\n",
        "dir: local\n",
        "dir: local\n\tpath /x\n\tpath /y\n",
        "dir: local\n\tpath /x\n\tvgname pve\n",
        "dir: local\n\tpath relative\n",
        "dir: ../x\n\tpath /x\n",
        "dir: one\n\tpath /x\n\ndir: one\n\tpath /x\n",
        "dir: local\n\tpath\n",
        "dir: local\0\n\tpath /x\n",
    ],
)
def test_a_malformed_storage_file_is_refused(text: str) -> None:
    with pytest.raises(MalformedFileError):
        storage_cfg.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "memory 512",
        "memory: many",
        "memory: 512\nmemory: 513\n",
        "wheels: 4\n",
        "net0: virtio,bridge=../../etc\n",
        "[PENDING]\ndelete: ../x\n",
        "[pve:pending]\nmemory: 512\n",
        "[one]\nsnaptime: then\n",
        "[one]\n[one]\n",
    ],
)
def test_a_malformed_guest_file_is_refused(text: str) -> None:
    with pytest.raises(MalformedFileError):
        guest_conf.parse("qemu", text)


@pytest.mark.parametrize(
    "text",
    [
        "user:a@pve:1:0\n",
        "user:a@pve:2:0::::::\n",
        "user:nobody:1:0::::::\n",
        "group:g:missing@pve::\n",
        "role:Mine:Fly:\n",
        "acl:1:/vms/100:a@pve:PVEAdmin:\n",
        "acl:1:/nowhere:@g:PVEAdmin:\n",
        "spell:x:\n",
        "user:a@pve:1:0::::%FF::\n",
    ],
)
def test_a_malformed_user_file_is_refused(text: str) -> None:
    with pytest.raises(MalformedFileError):
        user_cfg.parse(text)


@pytest.mark.parametrize("text", ["keyboard: xx\n", "keyboard\n", "keyboard: de\nkeyboard: de\n", "wheels: 4\n"])
def test_malformed_settings_of_the_datacenter_are_refused(text: str) -> None:
    with pytest.raises(MalformedFileError):
        datacenter_cfg.parse(text)
