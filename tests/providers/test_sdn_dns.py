"""Name servers: the whole lifecycle is in tests/contract."""

from __future__ import annotations

EXAMPLE = {"dns": "pdns", "type": "powerdns", "url": "https://ns.example.org/api", "key": "hush", "ttl": 300}
UPDATES = [{**EXAMPLE, "ttl": 60, "reversemaskv6": 64}, {name: EXAMPLE[name] for name in ("dns", "type", "url", "key")}]
DRIFT = [("PUT", "/cluster/sdn/dns/pdns", {"url": "https://ns.example.com/api"})]
