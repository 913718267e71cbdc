"""What the engine runs: `pulumi preview --policy-pack policies`."""

from __future__ import annotations

from pulumi_policy import PolicyPack

from policies.pack import NAME, POLICIES

PolicyPack(NAME, POLICIES)
