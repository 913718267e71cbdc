"""`/access/openid`: logins that an identity provider vouches for.

No provider is simulated: the way to it is told, and whoever says that he comes from there cannot prove it.
"""

from __future__ import annotations

import secrets
from typing import NoReturn
from urllib.parse import urlencode

from simulator.errors import ApiError
from simulator.routing import Call, route
from simulator.schema import string

_REDIRECT = string(max_length=255)


@route("GET", "/access/openid", user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/access/openid`."""
    return [{"subdir": name} for name in ("auth-url", "login")]


@route(
    "POST", "/access/openid/auth-url",
    params={"realm": string(format="pve-realm", max_length=32), "redirect-url": _REDIRECT},
    user="world", protected=True,
)  # fmt: skip
def auth_url(call: Call) -> str:
    """Return the address at the provider to which a browser is to be sent."""
    realm = call.datacenter.domains.get(call.text("realm"))
    if realm is None:
        raise ApiError(f"authentication domain '{call.text('realm')}' does not exist")
    if realm.type != "openid":
        raise ApiError(f"wrong realm type ({realm.type} != openid)")
    state = f"{secrets.token_hex(16)}:{realm.id}"
    query = {
        "response_type": "code", "client_id": realm.options["client-id"], "state": state,
        "redirect_uri": call.text("redirect-url"), "scope": f"openid {realm.options.get('scopes', 'email profile')}",
        "nonce": secrets.token_urlsafe(16),
    }  # fmt: skip
    query |= {name: realm.options[key] for name, key in (("prompt", "prompt"), ("acr_values", "acr-values"))
              if key in realm.options}  # fmt: skip
    return f"{realm.options['issuer-url'].rstrip('/')}/authorize?{urlencode(query)}"


@route(
    "POST", "/access/openid/login",
    params={"code": string(max_length=4096), "redirect-url": _REDIRECT, "state": string(max_length=1024)},
    user="world", protected=True,
)  # fmt: skip
def login(_call: Call) -> NoReturn:
    """Refuse: no provider has given out a code."""
    raise ApiError("authentication failure", 401)
