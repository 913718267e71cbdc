"""A machine that some people reach by a second way, a network of ZeroTier.

Give the key with which ZeroTier signs its packages: `pulumi config set zerotier_key <zerotier.asc`. Without it, the one
below says no more than where the key belongs.
"""

import pulumi

from components.place import Place
from components.zero_tier import Joining, ZeroTier, ZeroTierArgs
from providers.vm import VirtualMachine

NO_KEY = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----

-----END PGP PUBLIC KEY BLOCK-----
"""

web = VirtualMachine(
    "web",
    name="web",
    node="pve1",
    clone={"vmid": 9000, "full": False},
    net={"net0": {"model": "virtio", "bridge": "vmbr0"}},
    agent={"enabled": True},  # by which its packages are installed
)
way_in = ZeroTier(
    "way-in",
    ZeroTierArgs(
        joining=Joining(network="8056c2e21c000001", repository_key=pulumi.Config().get("zerotier_key") or NO_KEY),
        guests={"web": Place(vmid=web.vmid)},
    ),
)
pulumi.export("vmid", web.vmid)
