"""IP address managements: the whole lifecycle is in tests/contract."""

from __future__ import annotations

EXAMPLE = {"ipam": "netbox", "type": "netbox", "url": "https://netbox.example.org/api", "token": "hush"}
UPDATES = [{**EXAMPLE, "url": "https://netbox.example.net/api"}, {**EXAMPLE, "token": "hush hush"}]
DRIFT = [("PUT", "/cluster/sdn/ipams/netbox", {"url": "https://netbox.example.com/api"})]
