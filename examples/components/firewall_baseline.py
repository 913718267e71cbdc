"""A cluster's nodes, closed to all but those who manage them, and to each other only as far as they need it."""

import pulumi

from components.firewall_baseline import FirewallBaseline, FirewallBaselineArgs
from providers.firewall_rules import FirewallRule

baseline = FirewallBaseline(
    "baseline",
    FirewallBaselineArgs(
        management={"here": "127.0.0.0/8", "office": "198.51.100.0/24"},  # who runs this has to be among them
        nodes={"pve1": ["192.0.2.11"], "pve2": ["192.0.2.12"], "pve3": ["192.0.2.13"]},
        rules=[FirewallRule(type="in", action="ACCEPT", macro="Ping")],
    ),
)
pulumi.export("groups", baseline.groups)
