"""`/cluster/acme`: accounts with certificate authorities, and what is known of the authorities."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from simulator.errors import ApiError, ParamError, TaskError
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import string
from simulator.tasks import Steps, TaskRun

_INDEX = ("account", "tos", "meta", "directories", "plugins", "challenge-schema")
_DIRECTORIES = (
    ("Let's Encrypt V2", "https://acme-v02.api.letsencrypt.org/directory"),
    ("Let's Encrypt V2 Staging", "https://acme-staging-v02.api.letsencrypt.org/directory"),
)
_DEFAULT = _DIRECTORIES[0][1]
_TERMS = "https://letsencrypt.org/documents/LE-SA-v1.5-February-24-2025.pdf"
_DIRECTORY = string(pattern=r"^https?://.*", optional=True)
_NAME = {"name": string(format="pve-configid", optional=True)}
_SECONDS = 2.0
_KEYS = {
    "acmedns": ("ACMEDNS_BASE_URL", "ACMEDNS_USERNAME", "ACMEDNS_PASSWORD", "ACMEDNS_SUBDOMAIN"),
    "aws": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "azure": ("AZUREDNS_SUBSCRIPTIONID", "AZUREDNS_TENANTID", "AZUREDNS_APPID", "AZUREDNS_CLIENTSECRET"),
    "cf": ("CF_Account_ID", "CF_Email", "CF_Key", "CF_Token", "CF_Zone_ID"),
    "desec": ("DEDYN_TOKEN",),
    "dgon": ("DO_API_KEY",),
    "gandi_livedns": ("GANDI_LIVEDNS_KEY",),
    "gcloud": ("CLOUDSDK_ACTIVE_CONFIG_NAME",),
    "hetzner": ("HETZNER_Token",),
    "inwx": ("INWX_User", "INWX_Password"),
    "nsupdate": ("NSUPDATE_SERVER", "NSUPDATE_SERVER_PORT", "NSUPDATE_KEY", "NSUPDATE_ZONE"),
    "ovh": ("OVH_AK", "OVH_AS", "OVH_CK", "OVH_END_POINT"),
    "pdns": ("PDNS_Url", "PDNS_ServerId", "PDNS_Token", "PDNS_Ttl"),
}
_NAMES = {
    "acmedns": "acme-dns", "aws": "Amazon Route53 (AWS)", "azure": "Azure DNS", "cf": "Cloudflare Managed DNS",
    "desec": "deSEC DNS", "dgon": "DigitalOcean DNS", "gandi_livedns": "Gandi LiveDNS", "gcloud": "Google Cloud DNS",
    "hetzner": "Hetzner DNS", "inwx": "INWX", "nsupdate": "nsupdate (RFC 2136)", "ovh": "OVH", "pdns": "PowerDNS",
}  # fmt: skip


@route("GET", "/cluster/acme", user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/acme`."""
    return [{"name": name} for name in _INDEX]


@route("GET", "/cluster/acme/directories", user="all")
def directories(_call: Call) -> list[dict[str, str]]:
    """List the authorities that are known by name."""
    return [{"name": name, "url": url} for name, url in _DIRECTORIES]


def _check_reachable(directory: str) -> None:
    """Refuse an authority that the simulator does not play."""
    if directory not in (url for _, url in _DIRECTORIES):
        host = directory.partition("://")[2].partition("/")[0]
        raise ApiError(f"GET to {directory} failed: 500 Can't connect to {host} (Name or service not known)")


@route("GET", "/cluster/acme/tos", params={"directory": _DIRECTORY}, user="all")
def terms_of_service(call: Call) -> str:
    """Return where the terms of an authority are."""
    _check_reachable(call.text("directory", _DEFAULT))
    return _TERMS


@route(
    "GET", "/cluster/acme/meta", params={"directory": _DIRECTORY}, check=["perm", "/nodes/{node}", ["Sys.Audit"]]
)  # fmt: skip
def meta(call: Call) -> dict[str, Any]:
    """Return what an authority says about itself."""
    _check_reachable(call.text("directory", _DEFAULT))
    return {"termsOfService": _TERMS, "website": "https://letsencrypt.org", "caaIdentities": ["letsencrypt.org"]}


@route("GET", "/cluster/acme/challenge-schema", user="all")
def challenge_schema(_call: Call) -> list[dict[str, Any]]:
    """List the DNS providers that can prove a domain, with the settings that each wants."""
    return [
        {
            "id": name, "name": _NAMES[name], "type": "dns",
            "schema": {"name": _NAMES[name], "fields": {key: {"type": "string"} for key in keys}},
        }
        for name, keys in _KEYS.items()
    ]  # fmt: skip


@route("GET", "/cluster/acme/account", user="all", protected=True)
def accounts(call: Call) -> list[dict[str, str]]:
    """List the accounts."""
    return [{"name": account.id} for account in sorted(call.datacenter.acme_accounts, key=lambda row: row.id)]


@route(
    "POST",
    "/cluster/acme/account",
    params=_NAME
    | {
        "contact": string(format="email-list"),
        "directory": _DIRECTORY,
        "eab-hmac-key": string(requires="eab-kid", optional=True),
        "eab-kid": string(requires="eab-hmac-key", optional=True),
        "tos_url": string(optional=True),
    },
    protected=True,
)
def register(call: Call) -> str:
    """Register an account with an authority; who agrees to no terms is refused by it."""
    name, directory = call.text("name", "default"), call.text("directory", _DEFAULT)
    if name in call.datacenter.acme_accounts:
        raise ParamError({"name": f"ACME account config file '{name}' already exists."})
    contact, terms = "\n".join(call.listing("contact")), call.text("tos_url")

    def body(run: TaskRun) -> Steps:
        _need_quorum(run, name)
        yield "Generating ACME account key.."
        yield _SECONDS
        yield "Registering ACME account.."
        try:
            _check_reachable(directory)
        except ApiError as error:
            raise TaskError(f"Registration failed: {error.message}") from None
        if not terms:
            raise TaskError("Registration failed: Error: POST to new-acct: must agree to terms of service")
        location = f"{directory.rpartition('/')[0]}/acme/acct/{len(run.datacenter.acme_accounts) + 1}"
        options = {"contact": contact, "directory": directory, "location": location, "tos": terms}
        run.datacenter.acme_accounts.put(Section(id=name, type="acme", options=options))
        yield f"Registration successful, account URL: '{location}'"

    return call.start_task("acmeregister", "", body)


def _need_quorum(run: TaskRun, name: str) -> None:
    if not run.datacenter.quorate_on(run.node):
        raise TaskError(f"cfs-lock 'acme-{name}' error: no quorum!")


def _existing(call: Call) -> Section:
    name = call.text("name", "default")
    account = call.datacenter.acme_accounts.get(name)
    if account is None:
        raise ParamError({"name": f"ACME account config file '{name}' does not exist."})
    return account


@route("GET", "/cluster/acme/account/{name}", params=_NAME, protected=True)
def read_account(call: Call) -> dict[str, Any]:
    """Return an account."""
    options = _existing(call).options
    contact = [f"mailto:{address}" for address in options["contact"].split("\n")]
    shown = {name: options[name] for name in ("directory", "location", "tos")}
    return {"account": {"contact": contact, "status": "valid"}, **shown}


def _update(word: str, call: Call, changes: dict[str, str]) -> str:
    name = _existing(call).id

    def body(run: TaskRun) -> Steps:
        _need_quorum(run, name)
        yield _SECONDS
        account = run.datacenter.acme_accounts.get(name)
        if account is None:
            raise TaskError(f"ACME account config file '{name}' does not exist.")
        run.datacenter.acme_accounts.put(replace(account, options={**account.options, **changes}))

    return call.start_task(f"acme{word}", "", body)


@route(
    "PUT",
    "/cluster/acme/account/{name}",
    params=_NAME | {"contact": string(format="email-list", optional=True)},
    protected=True,
)
def update_account(call: Call) -> str:
    """Change whom the authority writes to, or read the account again."""
    if call.listing("contact"):
        return _update("update", call, {"contact": "\n".join(call.listing("contact"))})
    return _update("refresh", call, {})


@route("DELETE", "/cluster/acme/account/{name}", params=_NAME, protected=True)
def deactivate(call: Call) -> str:
    """Give an account up; its file is kept under another name, which is no account any more."""
    return call.start_task("acmedeactivate", "", functools.partial(_deactivate, _existing(call).id))


def _deactivate(name: str, run: TaskRun) -> Steps:
    _need_quorum(run, name)
    yield _SECONDS
    folder = "/etc/pve/priv/acme"
    yield f"Renaming account file from '{folder}/{name}' to '{folder}/_deactivated_{name}_0'"
    run.datacenter.acme_accounts.delete(name)
