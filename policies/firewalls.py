"""Guests on an exposed network that no firewall filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.resources import UNKNOWN, Object, guests, matches, of_kind, off
from policies.settings import texts


def _check(args: StackValidationArgs, report: ReportViolation) -> None:
    networks = args.get_config()["networks"]
    options = of_kind(args.resources, ("FirewallOptions",))
    for guest in guests(args.resources):
        exposed = list(_exposed_by(guest, networks))
        for slot, bridge, filtered in exposed:
            if not filtered:
                report(
                    f"{guest.title}: {slot} is on {bridge}, and its `firewall` is not on. Set firewall=True on {slot}.",
                    guest.urn,
                )
        if exposed and not any(_switches_on(each, guest) for each in options):
            report(
                f"{guest.title} is on {exposed[0][1]}, and its firewall is not switched on. Declare "
                f"FirewallOptions(vmid=…, enable=True) for it, after the FirewallRules that it needs.",
                guest.urn,
            )
    for each in options if networks else ():
        if _scope(each) == "cluster" and each.get("enable") is False:
            report(f"{each.title} switches the firewall of all guests off. Set enable=True.", each.urn)


def _exposed_by(guest: Object, networks: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """The NICs of a guest on one of some networks: slot, bridge, and whether it is filtered."""
    for slot, nic in guest.within("net").items():
        bridge = nic.get("bridge") if isinstance(nic, dict) else None
        if isinstance(bridge, str) and matches(bridge, networks):
            yield slot, bridge, not off(nic.get("firewall"))


def _switches_on(options: Object, guest: Object) -> bool:
    """Whether options are the guest's and switch its firewall on, as far as can be known."""
    if _scope(options) != "vmid" or off(options.get("enable")):
        return False
    return UNKNOWN in (options.get("vmid"), guest.get("vmid")) or options.get("vmid") == guest.get("vmid")


def _scope(options: Object) -> str:
    """Whose options they are."""
    return next((scope for scope in ("vmid", "node", "vnet") if options.get(scope) is not None), "cluster")


FILTERED = StackValidationPolicy(
    name="exposed-guests-have-a-firewall",
    description="Guests on an exposed network have their firewall on: what listens there is reached by anybody.",
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema(
        {"networks": texts("Bridges and VNets that strangers reach; `*` stands for anything.")}
    ),
    validate=_check,
)
