"""Proxmox's configuration files: what is printed is read back as it was, and what is malformed is refused."""

from __future__ import annotations

import contextlib
import re
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import api
from simulator.privileges import ALL
from simulator.records import Group, Pool, Role, Section, Snapshot, Token, User
from simulator.ssh import datacenter_cfg, guest_conf, settings_file, storage_cfg, syntax, user_cfg
from simulator.ssh.guest_conf import GuestConf
from simulator.ssh.lexer import ShellSyntaxError
from simulator.ssh.pve_sections import section_files
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


GOOD = "dir: good\n\tpath /good\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "floppy: a1\n\tpath /x\n",
        "dir: local\n",
        "dir: ../x\n\tpath /x\n",
        "dir: local\n\tpath relative\n",
        "dir: local\n\tpath\n",
    ],
)
def test_a_storage_that_makes_no_sense_is_left_out_with_a_warning(text: str) -> None:
    warnings: list[str] = []
    found = storage_cfg.parse(f"{text}\n{GOOD}", warnings.append)
    assert [section.id for section in found] == ["good"]
    assert warnings


@pytest.mark.parametrize("line", ["path /y", "vgname pve", "shared perhaps", "wheels"])
def test_an_option_of_a_storage_that_makes_no_sense_is_left_out(line: str) -> None:
    assert storage_cfg.parse(f"dir: good\n\tpath /good\n\t{line}\n") == storage_cfg.parse(GOOD)


@pytest.mark.parametrize(
    "text",
    ["memory 512", "memory: many", "wheels: 4\n", "net0: virtio,bridge=../../etc\n", "[PENDING]\ndelete: ../x\n"],
)
def test_a_line_of_a_guest_that_makes_no_sense_is_left_out(text: str) -> None:
    assert guest_conf.parse("qemu", f"name: web\n{text}") == GuestConf(config={"name": "web"})


def test_the_last_of_several_lines_of_a_guest_counts() -> None:
    assert guest_conf.parse("qemu", "memory: 512\nmemory: 513\n").config == {"memory": "513"}


@pytest.mark.parametrize(
    "text",
    [
        "user:a@pve:1:0\n",
        "user:a@pve:2:0::::::\n",
        "user:nobody:1:0::::::\n",
        "acl:1:/vms/100:a@pve:PVEAdmin:\n",
        "acl:1:/nowhere:@g:PVEAdmin:\n",
        "spell:x:\n",
    ],
)
def test_a_line_about_users_that_makes_no_sense_is_left_out(text: str) -> None:
    found = user_cfg.parse(f"user:b@pve:1:0::::::\n{text}")
    assert (list(found.users), found.groups, [e for e in found.acl.values() if e]) == (["b@pve"], {}, [])


def test_members_and_privileges_that_there_are_not_are_left_out() -> None:
    found = user_cfg.parse("user:b@pve:1:0::::::\ngroup:g:b@pve,missing@pve::\nrole:Mine:Fly,VM.Audit:\n")
    assert found.groups["g"].members == {"b@pve"}
    assert found.roles["Mine"].privs == {"VM.Audit"}


@pytest.mark.parametrize("text", ["keyboard: xx\n", "keyboard\n", "wheels: 4\n"])
def test_settings_of_the_datacenter_that_make_no_sense_are_left_out(text: str) -> None:
    assert datacenter_cfg.parse(f"max_workers: 4\n{text}") == {"max_workers": "4"}


@pytest.mark.parametrize("parse", [storage_cfg.parse, user_cfg.parse, datacenter_cfg.parse])
def test_a_zero_byte_is_no_text(parse: Callable[[str], object]) -> None:
    with pytest.raises(MalformedFileError):
        parse("dir: local\0\n\tpath /x\n")


IDS = st.from_regex(r"[a-z][a-z0-9]{2,7}", fullmatch=True)
COMMENTS = FREE_TEXT.filter(lambda text: text.strip() == text and text != "")
NODES = st.sampled_from(["pve1", "pve1,pve2"])
SECTIONS: dict[str, dict[str, st.SearchStrategy[dict[str, str]]]] = {
    "domains.cfg": {
        "ldap": st.fixed_dictionaries(
            {"server1": st.just("ldap.example"), "base_dn": st.just("dc=example"), "user_attr": st.just("uid")},
            optional={"comment": COMMENTS, "port": st.integers(1, 65535).map(str), "default": st.just("1")},
        )
    },
    "jobs.cfg": {
        "vzdump": st.fixed_dictionaries(
            {"schedule": st.just("mon..fri 02:00")},
            optional={"comment": COMMENTS, "enabled": st.sampled_from("01"), "storage": IDS, "all": st.just("1")},
        )
    },
    "status.cfg": {
        "graphite": st.fixed_dictionaries(
            {"server": st.just("192.0.2.9"), "port": st.just("2003")}, optional={"path": IDS, "disable": st.just("1")}
        )
    },
    "ha/rules.cfg": {
        "node-affinity": st.fixed_dictionaries(
            {"nodes": NODES, "resources": st.just("vm:100,vm:101")},
            optional={"comment": COMMENTS, "disable": st.just("1"), "strict": st.just("1")},
        ),
        "resource-affinity": st.fixed_dictionaries(
            {"affinity": st.sampled_from(["positive", "negative"]), "resources": st.just("vm:100,vm:101")}
        ),
    },
    "sdn/zones.cfg": {
        "vlan": st.fixed_dictionaries({"bridge": st.just("vmbr0")}, optional={"nodes": NODES, "mtu": st.just("1400")}),
        "simple": st.fixed_dictionaries({}, optional={"dhcp": st.just("dnsmasq"), "ipam": st.just("pve")}),
    },
    "sdn/vnets.cfg": {
        "vnet": st.fixed_dictionaries({"zone": IDS}, optional={"tag": NUMBERS.map(str), "vlanaware": st.just("1")})
    },
    "sdn/subnets.cfg": {
        "subnet": st.fixed_dictionaries(
            {"vnet": IDS},
            optional={
                "gateway": st.just("192.0.2.1"),
                "dhcp-range": st.just(
                    "end-address=192.0.2.9,start-address=192.0.2.5\nend-address=192.0.2.19,start-address=192.0.2.15"
                ),
            },
        )
    },
    "sdn/controllers.cfg": {"evpn": st.fixed_dictionaries({"asn": st.just("65000"), "peers": st.just("192.0.2.1")})},
    "sdn/fabrics.cfg": {
        "openfabric_fabric": st.fixed_dictionaries({}, optional={"ip_prefix": st.just("192.0.2.0/24")}),
        "ospf_node": st.fixed_dictionaries({}, optional={"interfaces": st.just("name=ens19\nname=ens20")}),
    },
    "mapping/usb.cfg": {
        "usb": st.fixed_dictionaries({"map": st.just("node=pve1,id=1234:5678\nnode=pve2,id=1234:5678")})
    },
    "ha/resources.cfg": {
        "vm": st.fixed_dictionaries({}, optional={"comment": COMMENTS, "max_restart": st.integers(0, 9).map(str)})
    },
}


@settings(max_examples=30)
@given(st.data())
@pytest.mark.parametrize("name", SECTIONS)
def test_sections_are_read_back(name: str, data: st.DataObject) -> None:
    form = section_files()[f"/etc/pve/{name}"].form
    names = data.draw(st.lists(IDS, unique=True, max_size=4))
    kinds = [data.draw(st.sampled_from(sorted(SECTIONS[name]))) for _ in names]
    rows = [Section(id=i, type=k, options=data.draw(SECTIONS[name][k])) for i, k in zip(names, kinds, strict=True)]
    assert form.parse(form.render(rows)) == rows


@settings(max_examples=30)
@given(st.data())
@pytest.mark.parametrize("path", sorted(section_files()))
def test_whatever_is_in_a_file_of_sections_it_is_read(path: str, data: st.DataObject) -> None:
    form = section_files()[path].form
    kinds = [form.heads.get(kind, kind) for kind in form.required]
    text = data.draw(st.lists(st.one_of(st.sampled_from(kinds).map("{}: a1".format), FREE_TEXT.map("\t".__add__))))
    found = form.parse("\n".join(text))
    assert form.parse(form.render(found)) == found


@given(
    st.fixed_dictionaries(
        {}, optional={"description": DESCRIPTIONS, "startall-onboot-delay": st.integers(0, 300).map(str)}
    )
)
def test_the_settings_of_a_node_are_read_back(config: dict[str, str]) -> None:
    assert datacenter_cfg.parse_node(settings_file.render(config)) == config
