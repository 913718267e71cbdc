"""`/nodes/{node}/certificates/acme`: ordering, renewing and revoking a node's certificate."""

from __future__ import annotations

from simulator.errors import ApiError, ParamError, TaskError
from simulator.nodes import acme
from simulator.nodes.certificates import OwnCertificate, info
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.tasks import Steps, TaskRun

_NODE = {"node": string(format="pve-node")}
_FORCE = _NODE | {"force": boolean(optional=True)}
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_SOON = 30 * 86400
_VALIDATION_SECONDS = 5.0
_PATH = "/nodes/{node}/certificates/acme/certificate"


@route("GET", "/nodes/{node}/certificates/acme", params=_NODE, user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `acme`."""
    return [{"name": "certificate"}]


def _settings(call: Call) -> acme.NodeSettings:
    settings = acme.settings_of(call.datacenter, call.this_node)
    if not settings.domains:
        raise ApiError("ACME domain list in node configuration is missing!", 400)
    return settings


def _load_account(run: TaskRun, account: str) -> Steps:
    """Find the account, or fail."""
    if account not in run.datacenter.acme_accounts:
        raise TaskError(f"ACME account config file '{account}' does not exist.")
    yield "Loading ACME account details"


def _order(run: TaskRun, settings: acme.NodeSettings) -> Steps:
    """Order a certificate and put it in place."""
    yield from _load_account(run, settings.account)
    directory = run.datacenter.acme_accounts[settings.account].options["directory"].rpartition("/")[0]
    yield "Placing ACME order"
    yield f"Order URL: {directory}/acme/order/1/1"
    for number, (domain, plugin) in enumerate(settings.domains.items(), 1):
        if plugin != acme.STANDALONE and plugin not in run.datacenter.acme_plugins:
            raise TaskError(f"plugin '{plugin}' for domain '{domain}' not found!")
        yield ""
        yield f"Getting authorization details from '{directory}/acme/authz/1/{number}'"
        yield f"The validation for {domain} is pending!"
        yield "Triggering validation"
        yield "Sleeping for 5 seconds"
        yield _VALIDATION_SECONDS
        yield f"Status is 'valid', domain '{domain}' OK!"
    yield from ("", "All domains validated!", "", "Creating CSR", "Checking order status")
    yield from ("Order is ready, finalizing order", "valid!", "", "Downloading certificate")
    yield "Setting pveproxy certificate and key"
    pem, key = acme.issue(list(settings.domains), run.now)
    try:
        OwnCertificate(run.datacenter, run.node).put(pem, key, run.now, force=True)
    except ApiError as error:
        raise TaskError(error.message) from None
    yield "Restarting pveproxy"


@route("POST", _PATH, params=_FORCE, check=_MODIFY, protected=True, proxyto="node")
def order(call: Call) -> str:
    """Order a certificate for the domains of the node's configuration."""
    if OwnCertificate(call.datacenter, call.node).pem is not None and not call.flag("force"):
        raise ParamError({"force": "Custom certificate exists but 'force' is not set."})
    settings = _settings(call)
    return call.start_task("acmenewcert", "", lambda run: _order(run, settings))


def _current(call: Call) -> str:
    pem = OwnCertificate(call.datacenter, call.node).pem
    if pem is None:
        raise ApiError("No current (custom) certificate found, please order a new certificate!")
    return pem


@route("PUT", _PATH, params=_FORCE, check=_MODIFY, protected=True, proxyto="node")
def renew(call: Call) -> str:
    """Renew the certificate when it is about to expire, or when that is forced."""
    expires = int(info(_current(call), "")["notafter"])
    if expires >= call.now + _SOON and not call.flag("force"):
        text = "Certificate does not expire within the next 30 days, and 'force' is not set."
        raise ParamError({"force": text})
    settings = _settings(call)

    def body(run: TaskRun) -> Steps:
        yield from _order(run, settings)
        yield "Revoking old certificate"

    return call.start_task("acmerenew", "", body)


@route("DELETE", _PATH, params=_NODE, check=_MODIFY, protected=True, proxyto="node")
def revoke(call: Call) -> str:
    """Revoke the certificate and go back to the node's own."""
    settings = _settings(call)
    if OwnCertificate(call.datacenter, call.node).pem is None:
        path = f"/etc/pve/nodes/{call.node}/pveproxy-ssl.pem"
        raise ApiError(f"can't open '{path}' - No such file or directory")

    def body(run: TaskRun) -> Steps:
        yield from _load_account(run, settings.account)
        yield "Revoking old certificate"
        yield "Deleting certificate files"
        OwnCertificate(run.datacenter, run.node).remove()
        yield "Restarting pveproxy to revert to self-signed certificates"

    return call.start_task("acmerevoke", "", body)
