"""A pool with a web server in it: the beginning of a lab."""

import pulumi

from providers.pool import Pool
from providers.vm import VirtualMachine

config = pulumi.Config()

pool = Pool("lab", poolid=pulumi.get_project(), comment="Made by code")
web = VirtualMachine(
    "web",
    name="web",
    node=config.get("node") or "pve1",
    clone={"vmid": config.get_int("template") or 9000, "full": False},
    cores=2,
    memory=2048,
    net={"net0": {"model": "virtio", "bridge": config.get("bridge") or "vmbr0"}},
    pool=pool.poolid,
)

pulumi.export("vmid", web.vmid)
