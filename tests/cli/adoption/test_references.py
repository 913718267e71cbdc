"""Each resource refers to what it names, by its output where it has one, and else by waiting for it."""

from __future__ import annotations

from typing import Any

from cli.adoption.reading import Declaration
from cli.adoption.references import Kept, References, in_order, kept_in
from cli.adoption.sources import FAMILIES

KINDS = [source.kind for sources in FAMILIES.values() for source in sources]


def test_what_has_an_output_is_written_as_that() -> None:
    refers = _references(
        ("pool", "prod", {"poolid": "prod"}),
        ("storage", "nfs1", {"storage": "nfs1"}),
        ("vm", "web", {"vmid": 101, "node": "pve1", "pool": "prod", "disks": {"scsi0": {"storage": "nfs1"}}}),
        ("backup_job", "nightly", {"storage": "nfs1", "vmid": [101, 999], "fleecing": {"storage": "nfs1"}}),
    )

    assert refers["web"].outputs == {
        ("pool",): 'lab.pools["prod"].poolid',
        ("disks", "scsi0", "storage"): 'lab.storages["nfs1"].storage',
    }
    assert refers["nightly"].outputs == {
        ("storage",): 'lab.storages["nfs1"].storage',
        ("fleecing", "storage"): 'lab.storages["nfs1"].storage',
        ("vmid", 0): 'lab.guests["web"].vmid',
    }
    assert not refers["web"].after + refers["nightly"].after


def test_what_is_only_mentioned_is_waited_for() -> None:
    bridge = {"vmbr0": {"type": "bridge"}}
    refers = _references(
        ("realm", "corp", {"realm": "corp"}),
        ("user", "ann", {"userid": "ann@corp"}),
        ("pool", "prod", {"poolid": "prod"}),
        ("pool", "inner", {"poolid": "prod/inner"}),
        ("storage", "isos", {"storage": "isos"}),
        ("node_network", "pve1", {"node": "pve1", "interfaces": bridge}),
        ("node_network", "pve2", {"node": "pve2", "interfaces": bridge}),
        ("sdn_zone", "desks", {"zone": "desks", "bridge": "vmbr0", "vnets": {"vn20": {}}}),
        ("vm", "web", {"vmid": 101, "node": "pve2", "disks": {"ide2": {"file": "isos:iso/x.iso"}},
                       "net": {"net0": {"bridge": "vmbr0"}, "net1": {"bridge": "vn20"}, "net2": {"bridge": "none"}}}),
        ("ha_resource", "ha", {"vmid": 101}),
        ("ha_rule", "near", {"resources": ["vm:101", "vm:102"]}),
        ("replication", "copy", {"job_id": "101-0"}),
        ("firewall_rules", "of-vnet", {"vnet": "vn20"}),
    )  # fmt: skip

    assert {name: each.after for name, each in refers.items() if each.after} == {
        "ann": ('lab.realms["corp"]',),
        "inner": ('lab.pools["prod"]',),
        "desks": ('lab.networks["pve1"]', 'lab.networks["pve2"]'),
        "web": ('lab.storages["isos"]', 'lab.networks["pve2"]', 'lab.zones["desks"]'),
        "near": ('lab.ha_resources["ha"]',),
        "copy": ('lab.guests["web"]',),
        "of-vnet": ('lab.zones["desks"]',),
    }


def test_a_permission_refers_to_who_has_it_and_waits_for_what_it_is_on() -> None:
    there: list[tuple[str, str, dict[str, Any]]] = [
        ("role", "Watcher", {"roleid": "Watcher"}),
        ("group", "staff", {"groupid": "staff"}),
        ("hardware_mapping", "share", {"mapping_id": "share"}),
        ("pool", "inner", {"poolid": "prod/inner"}),
        ("sdn_zone", "desks", {"zone": "desks"}),
        ("vm", "web", {"vmid": 101, "node": "pve1"}),
    ]
    on = {
        "/pool/prod/inner": ('lab.pools["inner"]',),
        "/vms/101": ('lab.guests["web"]',),
        "/sdn/zones/desks/vn20": ('lab.zones["desks"]',),
        "/mapping/dir/share": ('lab.mappings["share"]',),
        "/": (),
        "/vms": (),
        "/storage/gone": (),
    }

    for path, after in on.items():
        refers = _references(*there, ("acl", "it", {"path": path, "roleid": "Watcher", "group": "staff"}))["it"]
        assert refers.after == after
        assert set(refers.outputs.values()) == {'lab.roles["Watcher"].roleid', 'lab.groups["staff"].groupid'}


def test_rules_wait_for_the_names_in_them_and_a_firewall_is_switched_on_after_its_rules() -> None:
    rules = [
        {"type": "in", "source": "+dc/admins,peer", "dest": "+ADMINS"},
        {"type": "group", "action": "web"},
        {"type": "in", "source": "peer", "dest": "192.0.2.1-192.0.2.9"},
    ]
    refers = _references(
        ("vm", "vm", {"vmid": 101, "node": "pve1"}),
        ("firewall_alias", "peer", {"name": "peer", "vmid": 101}),
        ("firewall_alias", "other", {"name": "peer", "vmid": 102}),
        ("ip_set", "admins", {"name": "admins", "entries": {"192.0.2.0/24": {}}}),
        ("security_group", "web", {"group": "web"}),
        ("firewall_rules", "rules", {"vmid": 101, "rules": rules}),
        ("firewall_options", "on", {"vmid": 101, "enable": True}),
        ("firewall_options", "elsewhere", {}),
    )

    assert refers["rules"].outputs == {
        ("vmid",): 'lab.guests["vm"].vmid',
        ("rules", 1, "action"): 'lab.security_groups["web"].group',
        ("rules", 2, "source"): 'lab.aliases["peer"].name',
    }
    assert refers["rules"].after == ('lab.ip_sets["admins"]',)
    assert refers["on"].after == ('lab.rules["rules"]',)
    assert not refers["elsewhere"].after


def test_a_linked_clone_comes_after_its_template() -> None:
    clone = Declaration("vm", "qemu/101", {"vmid": 101, "node": "pve1"}, clone_of=frozenset({9000}))
    template = Declaration("vm", "qemu/9000", {"vmid": 9000, "node": "pve1", "template": True})
    kept = Kept()

    first, second = sorted([clone, template], key=in_order)
    kept.add(first, f'{kept_in(first)}["golden"]')

    assert kept.of(second, "").after == ('lab.templates["golden"]',)


def _references(*resources: tuple[str, str, dict[str, Any]]) -> dict[str, References]:
    """What each one names of those before it, by its name."""
    kept, found = Kept(), {}
    for kind, name, args in resources:
        assert kind in KINDS
        it = Declaration(kind, name, args)
        variable = f'{place}["{name}"]' if (place := kept_in(it)) else ""
        found[name] = kept.of(it, variable)
        kept.add(it, variable)
    return found
