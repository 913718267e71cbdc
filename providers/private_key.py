"""A private key: made once, and kept in the state alone, as a secret.

Nothing on a host knows of it: what needs the key is given it, as a file in a guest for example. It stays the same in
every run, until one of the `triggers` changes; another kind of key is another resource.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from pydantic import Field, model_validator

from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.errors import InvalidValue
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Action, Immutable, Sensitive, ServerDefault
from providers._runtime.model import Changes, Inputs, Values

EXPONENT = 65537
BITS = 3072
"""Of an RSA key where nothing else is said."""


class PrivateKeyInputs(Inputs):
    """A key as declared."""

    algorithm: Annotated[Literal["rsa", "ed25519"] | None, Immutable(), ServerDefault(value="ed25519")] = Field(
        default=None, description="What kind of key it is; `ed25519` where not set."
    )
    bits: Annotated[int | None, Immutable(), Field(ge=2048, le=8192)] = Field(
        default=None, description=f"rsa: its length; {BITS} where not set."
    )
    triggers: Annotated[dict[str, str] | None, Action()] = Field(
        default=None, description="Texts of your own; when one of them changes, the key is made anew."
    )

    @model_validator(mode="after")
    def _bits_belong_to_rsa(self) -> PrivateKeyInputs:
        if self.bits is not None and self.algorithm != "rsa":
            raise InvalidValue("bits: only a key of the algorithm rsa has a length of choice")
        if self.adopt not in (None, "never"):
            raise InvalidValue("adopt: a key is in the state alone, and there is none to take over")
        return self


class PrivateKeyOutputs(PrivateKeyInputs):
    """A key as it is."""

    private_key_pem: Annotated[str | None, Sensitive()] = Field(
        default=None, description="The key as PEM: PKCS#1 for rsa, PKCS#8 for ed25519."
    )
    private_key_openssh: Annotated[str | None, Sensitive()] = Field(
        default=None, description="The key as OpenSSH keeps it."
    )
    public_key_pem: str | None = Field(default=None, description="Its public half as PEM.")
    public_key_openssh: str | None = Field(default=None, description="Its public half as in `authorized_keys`.")
    fingerprint: str | None = Field(default=None, description="Its fingerprint as OpenSSH tells it: `SHA256:…`.")


class PrivateKeyHandler(Handler):
    """Keys, of which only the state knows."""

    inputs: ClassVar = PrivateKeyInputs
    outputs: ClassVar = PrivateKeyOutputs

    def find(self, api: Api, wanted: Values) -> Found | None:
        """There is none anywhere else."""
        return None

    def create(self, api: Api, wanted: Values) -> str:
        """Make it."""
        api.recorded = {**wanted, **_made(wanted)}
        return f"keys/{api.owner.key}"

    def read(self, api: Api, id_: str) -> Found | None:
        """As the state has it."""
        return Found(id_, dict(api.recorded))

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Make it anew where that is asked for."""
        made = {name: api.recorded[name] for name in self.computed}
        api.recorded = {**wanted, **(_made(wanted) if "triggers" in todo.names() else made)}

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """With the state, it is gone."""


def _made(wanted: Values) -> Values:
    """A new key in all its forms."""
    rsa = wanted.get("algorithm") == "rsa"
    key = generate_private_key(EXPONENT, wanted.get("bits") or BITS) if rsa else Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat
    public, encoding, shape = key.public_key(), serialization.Encoding, serialization.PublicFormat
    line = public.public_bytes(encoding.OpenSSH, shape.OpenSSH).decode()
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return {
        "private_key_pem": _text(key, form.TraditionalOpenSSL if rsa else form.PKCS8),
        "private_key_openssh": _text(key, form.OpenSSH),
        "public_key_pem": public.public_bytes(encoding.PEM, shape.SubjectPublicKeyInfo).decode(),
        "public_key_openssh": line,
        "fingerprint": f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}",
    }


def _text(key: RSAPrivateKey | Ed25519PrivateKey, form: serialization.PrivateFormat) -> str:
    """The private key, without a password: the state keeps it secret."""
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


class PrivateKeyArgs(CommonArgs):
    """Arguments of `PrivateKey`."""

    algorithm: NotRequired[pulumi.Input[str] | None]
    bits: NotRequired[pulumi.Input[int] | None]
    triggers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]


class PrivateKey(Resource, kind="private_key"):
    """A private key."""

    private_key_pem: pulumi.Output[str]
    private_key_openssh: pulumi.Output[str]
    public_key_pem: pulumi.Output[str]
    public_key_openssh: pulumi.Output[str]
    fingerprint: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[PrivateKeyArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
