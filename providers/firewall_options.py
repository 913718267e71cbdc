"""The options of one scope's firewall: whether it is on, what happens to packets that no rule fits, what is logged.

API: `…/firewall/options` of the cluster, a node, a guest or a virtual network; each has options of its own. Only what
is declared is owned. There is no object to make or to remove: removing the resource sets what it declared back to
Proxmox's defaults, so that a firewall that it switched on is off again. Options that somebody else has set to another
value are changed only where `adopt` says so.

The firewall of the cluster is the main switch: while it is off, no other has an effect. Let the options that switch it
on depend on the rules that keep the way to the nodes open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._firewall.declared import with_options
from providers._firewall.effect import ENABLED
from providers._firewall.lockout import ManagedArgs, ManagedInputs, lockout_doubts, lockout_problems, refuse_lockout
from providers._firewall.rule import LogLevel
from providers._firewall.scope import Level, Scope, ScopeArgs, ScopeInputs
from providers._runtime import lifecycle
from providers._runtime.api import Api
from providers._runtime.bridge import Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere, InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import Claim, Found, Handler
from providers._runtime.markers import Separated
from providers._runtime.model import (
    Changes,
    Problem,
    Values,
    fields_of,
    from_wire,
    update_parameters,
)
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from providers._runtime.wire import Part

Policy = Literal["ACCEPT", "REJECT", "DROP"]
Helper = Literal["amanda", "ftp", "irc", "netbios-ns", "pptp", "sane", "sip", "snmp", "tftp"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OF_LEVEL: dict[Level, frozenset[str]] = {
    "cluster": _names("enable ebtables log_ratelimit policy_in policy_out policy_forward"),
    "node": _names(
        "enable log_level_in log_level_out log_level_forward log_nf_conntrack ndp nf_conntrack_allow_invalid "
        "nf_conntrack_helpers nf_conntrack_max nf_conntrack_tcp_timeout_established "
        "nf_conntrack_tcp_timeout_syn_recv nftables nosmurfs protection_synflood protection_synflood_burst "
        "protection_synflood_rate smurf_log_level tcp_flags_log_level tcpflags"
    ),
    "guest": _names("enable dhcp ipfilter log_level_in log_level_out macfilter ndp policy_in policy_out radv"),
    "vnet": _names("enable log_level_forward policy_forward"),
}


class LogRateLimit(Part):
    """How much is logged at the most."""

    default_key: ClassVar[str | None] = "enable"
    enable: bool = Field(description="Whether there is a limit.")
    rate: Annotated[str | None, Field(pattern=r"^[1-9][0-9]*/(second|minute|hour|day)$")] = Field(
        default=None, description="How many packets, such as `1/second`."
    )
    burst: int | None = Field(default=None, ge=0, description="How many are logged before the rate counts.")


class FirewallOptionsInputs(ScopeInputs, ManagedInputs):
    """Options as declared."""

    enable: bool | None = Field(default=None, description="Whether the firewall of the scope is on.")
    policy_in: Policy | None = Field(default=None, description="Cluster, guest: what no rule of type `in` fits.")
    policy_out: Policy | None = Field(default=None, description="Cluster, guest: what no rule of type `out` fits.")
    policy_forward: Literal["ACCEPT", "DROP"] | None = Field(
        default=None, description="Cluster, VNet: what no rule of type `forward` fits."
    )
    ebtables: bool | None = Field(default=None, description="Cluster: whether frames are filtered too.")
    log_ratelimit: LogRateLimit | None = Field(default=None, description="Cluster: how much is logged.")
    log_level_in: LogLevel | None = Field(default=None, description="Node, guest: how incoming packets are logged.")
    log_level_out: LogLevel | None = Field(default=None, description="Node, guest: how outgoing packets are logged.")
    log_level_forward: LogLevel | None = Field(
        default=None, description="Node, VNet: how packets that pass through are logged."
    )
    ndp: bool | None = Field(default=None, description="Node, guest: whether IPv6 neighbours may find each other.")
    nftables: bool | None = Field(default=None, description="Node: whether it has the newer firewall.")
    nosmurfs: bool | None = Field(default=None, description="Node: whether packets from broadcast addresses drop.")
    smurf_log_level: LogLevel | None = Field(default=None, description="Node: how those are logged.")
    tcpflags: bool | None = Field(default=None, description="Node: whether senseless TCP flags drop.")
    tcp_flags_log_level: LogLevel | None = Field(default=None, description="Node: how those are logged.")
    protection_synflood: bool | None = Field(default=None, description="Node: whether it is guarded from SYN floods.")
    protection_synflood_rate: int | None = Field(default=None, description="Node: SYN packets a second and source.")
    protection_synflood_burst: int | None = Field(default=None, description="Node: how many before the rate counts.")
    log_nf_conntrack: bool | None = Field(default=None, description="Node: whether connections are logged.")
    nf_conntrack_allow_invalid: bool | None = Field(
        default=None, description="Node: whether packets of no known connection pass."
    )
    nf_conntrack_helpers: Annotated[list[Helper] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Node: protocols whose further connections are followed."
    )
    nf_conntrack_max: int | None = Field(default=None, ge=32768, description="Node: connections that are tracked.")
    nf_conntrack_tcp_timeout_established: int | None = Field(
        default=None, ge=7875, description="Node: seconds that a silent connection is remembered."
    )
    nf_conntrack_tcp_timeout_syn_recv: int | None = Field(
        default=None, ge=30, le=60, description="Node: seconds that a half-open connection is remembered."
    )
    dhcp: bool | None = Field(default=None, description="Guest: whether DHCP passes.")
    macfilter: bool | None = Field(default=None, description="Guest: whether it can send from its own MAC only.")
    ipfilter: bool | None = Field(default=None, description="Guest: whether it can send from its own addresses only.")
    radv: bool | None = Field(default=None, description="Guest: whether it may announce itself as a router (IPv6).")

    @model_validator(mode="after")
    def _options_of_the_level(self) -> FirewallOptionsInputs:
        values = self.model_dump(exclude_none=True)
        scope, options = Scope.of(values), _options(values)
        if not options:
            raise InvalidValue("enable: at least one option has to be declared")
        for name in options:
            if name not in _OF_LEVEL[scope.level]:
                raise InvalidValue(f"{name}: the firewall of {scope} has no such option")
        return self


class FirewallOptionsOutputs(FirewallOptionsInputs):
    """Options as they are."""


class FirewallOptionsHandler(Handler):
    """The options of a scope as Proxmox keeps them."""

    inputs: ClassVar = FirewallOptionsInputs
    outputs: ClassVar = FirewallOptionsOutputs
    coverage: ClassVar = Coverage(
        methods=(
            "PUT /cluster/firewall/options",
            "PUT /nodes/{node}/firewall/options",
            "PUT /nodes/{node}/qemu/{vmid}/firewall/options",
            "PUT /cluster/sdn/vnets/{vnet}/firewall/options",
        ),
        carried={"delete": "(what is declared no longer)"},
        left_out={"digest": "sent with every change, so that a neighbour's is not overwritten"},
    )

    def find(self, api: Api, wanted: Values) -> Found | None:
        """What is set in the scope."""
        return self._look(api, Scope.of(wanted))

    def create(self, api: Api, wanted: Values) -> str:
        """One PUT, unless somebody else has set one of the options to another value."""
        scope = Scope.of(wanted)
        found = self._look(api, scope) or Found(scope.id("options"), scope.values)
        others = [name for name, value in _options(wanted).items() if found.values.get(name, value) != value]
        if others:
            raise AlreadyThere(f"{', '.join(others)} of the firewall of {scope}: already defined, as another value")
        lifecycle.bring_to(self, api, found, {}, wanted)
        return found.id

    def read(self, api: Api, id_: str) -> Found | None:
        """One GET; options of which none is set are gone."""
        return self._look(api, Scope.of_id(id_))

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """One PUT, with `delete` for what is declared no longer."""
        digest = {"digest": str(found.raw["digest"])} if found.raw else {}
        if todo:
            path = Scope.of_id(found.id).path(api)
            api.put(f"{path}/options", {**update_parameters(self.inputs, todo), **digest})

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Back to the defaults, for what was declared."""
        scope = Scope.of_id(id_)
        path = scope.path_if_there(api)
        names = [fields_of(self.inputs)[name].wire for name in _options(values)]
        if path is not None:
            refuse_lockout(api, values, with_options(scope, {}, names))
            api.put(f"{path}/options", {"delete": ",".join(names)})

    def _look(self, api: Api, scope: Scope) -> Found | None:
        path = scope.path_if_there(api)
        raw: Values = api.get(f"{path}/options") if path else {}
        if not set(raw) - {"digest"}:
            return None
        return Found(scope.id("options"), {**scope.values, **from_wire(self.inputs, raw)}, None, raw)

    def announces(self, wanted: Values) -> Iterator[tuple[str, str]]:
        """That the firewall is on."""
        if wanted.get("enable"):
            yield ENABLED, Scope.of(wanted).id()

    def claims(self, wanted: Values) -> Iterator[Claim]:
        """An option has one value."""
        scope = Scope.of(wanted)
        for name in _options(wanted):
            yield Claim(name, ("firewall option", scope, name), f"another resource of this program has it at {scope}")

    def needs(self, wanted: Values) -> list[Need]:
        """Those of its scope."""
        return Scope.of(wanted).needs()

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The scope is there."""
        scope, options = Scope.of(wanted), _options(wanted)
        yield from scope.problems(facts)
        change = with_options(scope, options, set(_options(before)) - set(options))
        yield from lockout_problems(facts, owner, next(iter(options), "enable"), wanted, change)

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """What could not be told of who is shut out."""
        yield from lockout_doubts(facts)


def _options(values: Values) -> Values:
    """Without what names the scope, and without what is no option."""
    others = {*ScopeInputs.model_fields, *ManagedInputs.model_fields}
    return {
        name: value
        for name, value in values.items()
        if name in FirewallOptionsInputs.model_fields and name not in others
    }


class FirewallOptionsArgs(ScopeArgs, ManagedArgs):
    """Arguments of `FirewallOptions`."""

    enable: NotRequired[pulumi.Input[bool] | None]
    policy_in: NotRequired[pulumi.Input[str] | None]
    policy_out: NotRequired[pulumi.Input[str] | None]
    policy_forward: NotRequired[pulumi.Input[str] | None]
    ebtables: NotRequired[pulumi.Input[bool] | None]
    log_ratelimit: NotRequired[pulumi.Input[LogRateLimit | dict[str, bool | str | int]] | None]
    log_level_in: NotRequired[pulumi.Input[str] | None]
    log_level_out: NotRequired[pulumi.Input[str] | None]
    log_level_forward: NotRequired[pulumi.Input[str] | None]
    ndp: NotRequired[pulumi.Input[bool] | None]
    nftables: NotRequired[pulumi.Input[bool] | None]
    nosmurfs: NotRequired[pulumi.Input[bool] | None]
    smurf_log_level: NotRequired[pulumi.Input[str] | None]
    tcpflags: NotRequired[pulumi.Input[bool] | None]
    tcp_flags_log_level: NotRequired[pulumi.Input[str] | None]
    protection_synflood: NotRequired[pulumi.Input[bool] | None]
    protection_synflood_rate: NotRequired[pulumi.Input[int] | None]
    protection_synflood_burst: NotRequired[pulumi.Input[int] | None]
    log_nf_conntrack: NotRequired[pulumi.Input[bool] | None]
    nf_conntrack_allow_invalid: NotRequired[pulumi.Input[bool] | None]
    nf_conntrack_helpers: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    nf_conntrack_max: NotRequired[pulumi.Input[int] | None]
    nf_conntrack_tcp_timeout_established: NotRequired[pulumi.Input[int] | None]
    nf_conntrack_tcp_timeout_syn_recv: NotRequired[pulumi.Input[int] | None]
    dhcp: NotRequired[pulumi.Input[bool] | None]
    macfilter: NotRequired[pulumi.Input[bool] | None]
    ipfilter: NotRequired[pulumi.Input[bool] | None]
    radv: NotRequired[pulumi.Input[bool] | None]


class FirewallOptions(Resource, kind="firewall_options"):
    """The options of one scope of the firewall."""

    enable: pulumi.Output[bool | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[FirewallOptionsArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
