"""`/cluster/options`: the settings of the datacenter."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError
from simulator.formats import named_format
from simulator.records import Setting
from simulator.routing import Call, route
from simulator.schema import Param, PropertyString, boolean, integer, number, string

_TAG = r"(?i:[a-z0-9_][a-z0-9_\-\+\.]*)"
_COLOR = rf"(?:{_TAG}:[0-9a-fA-F]{{6}}(?::[0-9a-fA-F]{{6}})?)"
_LIMIT = number(minimum=0, optional=True)
_TEXT = string(optional=True)
_ALWAYS = string(enum=("always", "never"), optional=True)
_TRAFFIC = PropertyString(
    {
        "type": string(enum=("secure", "insecure"), default_key=True),
        "network": string(format="CIDR", optional=True),
    }
)
_FORMATS = {
    "bwlimit": PropertyString(dict.fromkeys(("clone", "default", "migration", "move", "restore"), _LIMIT)),
    "crs": PropertyString(
        {
            "ha": string(enum=("basic", "static", "dynamic"), optional=True),
            "ha-auto-rebalance": boolean(optional=True),
            "ha-auto-rebalance-hold-duration": number(minimum=0, optional=True, requires="ha-auto-rebalance"),
            "ha-auto-rebalance-margin": number(minimum=0, maximum=100, optional=True, requires="ha-auto-rebalance"),
            "ha-auto-rebalance-method": string(
                enum=("bruteforce", "topsis"), optional=True, requires="ha-auto-rebalance"
            ),
            "ha-auto-rebalance-threshold": number(minimum=0, maximum=100, optional=True, requires="ha-auto-rebalance"),
            "ha-rebalance-on-start": boolean(optional=True),
        }
    ),
    "ha": PropertyString({"shutdown_policy": string(enum=("freeze", "failover", "conditional", "migrate"))}),
    "migration": _TRAFFIC,
    "next-id": PropertyString({"lower": integer(optional=True), "upper": integer(optional=True)}),
    "notify": PropertyString(
        {
            "fencing": _ALWAYS,
            "package-updates": string(enum=("auto", "always", "never"), optional=True),
            "replication": _ALWAYS,
            "target-fencing": _TEXT,
            "target-package-updates": _TEXT,
            "target-replication": _TEXT,
        }
    ),
    "replication": _TRAFFIC,
    "tag-style": PropertyString(
        {
            "case-sensitive": boolean(optional=True),
            "color-map": string(pattern=rf"{_COLOR}(?:;{_COLOR})*", optional=True),
            "ordering": string(enum=("config", "alphabetical"), optional=True),
            "shape": string(enum=("full", "circle", "dense", "none"), optional=True),
        }
    ),
    "u2f": PropertyString({"appid": _TEXT, "origin": _TEXT}),
    "user-tag-access": PropertyString(
        {
            "user-allow": string(enum=("none", "list", "existing", "free"), optional=True),
            "user-allow-list": string(pattern=rf"{_TAG}(?:;{_TAG})*", optional=True),
        }
    ),
    "webauthn": PropertyString({"allow-subdomains": boolean(optional=True), "id": _TEXT, "origin": _TEXT, "rp": _TEXT}),
}
_KEYBOARDS = (
    "de", "de-ch", "da", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it", "ja", "lt",
    "mk", "nl", "no", "pl", "pt", "pt-br", "sv", "sl", "tr",
)  # fmt: skip
_LANGUAGES = (
    "ar", "ca", "da", "de", "en", "es", "eu", "fa", "fr", "hr", "he", "it", "ja", "ka", "kr", "nb", "nl", "nn", "pl",
    "pt_BR", "ru", "sl", "sv", "tr", "ukr", "zh_CN", "zh_TW",
)  # fmt: skip
_PARAMS: dict[str, Param] = {name: string(format=form, optional=True) for name, form in _FORMATS.items()} | {
    "consent-text": string(max_length=65536, optional=True),
    "console": string(enum=("applet", "vv", "html5", "xtermjs"), optional=True),
    "delete": string(format="pve-configid-list", optional=True),
    "description": string(max_length=65536, optional=True),
    "email_from": string(format="email-opt", optional=True),
    "fencing": string(enum=("watchdog", "hardware", "both"), optional=True),
    "http_proxy": string(pattern="http://.*", optional=True),
    "keyboard": string(enum=_KEYBOARDS, optional=True),
    "language": string(enum=_LANGUAGES, optional=True),
    "location": string(format="pve-node-location", optional=True),
    "mac_prefix": string(format="mac-prefix", optional=True),
    "max_workers": integer(minimum=1, optional=True),
    "migration_unsecure": boolean(optional=True),
    "registered-tags": string(pattern=rf"(?:{_TAG};)*{_TAG}", optional=True),
}
_PARSED = (
    "crs",
    "ha",
    "migration",
    "next-id",
    "notify",
    "replication",
    "tag-style",
    "u2f",
    "user-tag-access",
    "webauthn",
)


@named_format("pve-node-location")
def _location(value: str) -> None:
    parts = dict(item.partition("=")[::2] for item in value.split(",") if item)
    if not parts or not set(parts) <= {"latitude", "longitude", "name"}:
        raise ValueError("value does not look like a valid location")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: int(value) if isinstance(value, bool) else value for key, value in values.items()}


@route("GET", "/cluster/options", check=["perm", "/", ["Sys.Audit"]], user="all")
def read_options(call: Call) -> dict[str, Any]:
    """Return the settings; who may not audit sees only which tags may be used."""
    options = {setting.name: setting.value for setting in call.datacenter.options}
    tags = sorted(options.get("registered-tags", "").split(";")) if options.get("registered-tags") else []
    if not call.access.may("/", ["Sys.Audit"]):
        return {"allowed-tags": tags}
    answer: dict[str, Any] = {"mac_prefix": "BC:24:11", "description": "", "allowed-tags": tags} | options
    for name in _PARSED:
        if name in options:
            answer[name] = _plain(_FORMATS[name].parse(options[name], name))
    allowed = answer.get("user-tag-access", {}).get("user-allow-list")
    if allowed is not None:
        answer["user-tag-access"]["user-allow-list"] = allowed.split(";")
    if answer["description"]:
        answer["description"] = answer["description"].removesuffix("\n") + "\n"
    if tags:
        answer["registered-tags"] = tags
    if "max_workers" in options:
        answer["max_workers"] = int(options["max_workers"])
    return answer


@route("PUT", "/cluster/options", params=_PARAMS, check=["perm", "/", ["Sys.Modify"]], protected=True)
def update_options(call: Call) -> None:
    """Set and delete settings; deleting wins, and one that is not set is no error."""
    call.cfs_lock("file-datacenter_cfg")
    if "next-id" in call:
        bounds = _FORMATS["next-id"].parse(call.text("next-id"), "next-id")
        lower, upper = bounds.get("lower", 100), bounds.get("upper", 1000000)
        if lower > upper:
            raise ApiError(f"lower ({lower}) <= upper ({upper}) boundary rule broken")
    for name, value in call.params.items():
        if name != "delete" and value is not None:
            text = str(int(value)) if isinstance(value, bool) else str(value)
            call.datacenter.options.put(Setting(name=name, value=text))
    for name in call.listing("delete"):
        call.datacenter.options.delete(name)
