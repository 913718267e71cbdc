"""Named connections to Proxmox hosts and clusters, from the stack's configuration.

    proxmox:connections:            # a secret object; a stack may have any number of them
      lab:
        endpoints: [https://pve1.example.org:8006, https://pve2.example.org:8006]
        token_id: automation@pve!labs
        token_secret: …
        fingerprint: "AB:CD:…"      # or ca_file, or nothing where the certificate is from a public authority
        ssh:                        # only for what the API can't carry: snippets, files in containers, …
          private_key: …            # or private_key_file, or password
          hosts:
            pve1: {address: pve1.example.org, host_key: "ssh-ed25519 AAAA…"}

Without `proxmox:connections`, `proxmox:simulator` names a topology of the simulator, which is started on demand.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from providers._runtime.errors import ConfigProblem

CONNECTIONS_KEY = "proxmox:connections"
SIMULATOR_KEY = "proxmox:simulator"
PARALLEL_KEY = "proxmox:parallel"
ALIKE = 0.8
"""How alike two keys are where one may be a slip of the pen."""


def _endpoint(text: str) -> str:
    """`pve1`, `pve1:8006` and `https://pve1:8006/` are the same endpoint."""
    match = re.fullmatch(r"(?:https://)?([^/:\s]+|\[[0-9a-fA-F:]+\])(?::(\d+))?/?", text)
    if not match:
        raise ValueError("it is no endpoint: write it like https://pve1.example.org:8006")
    return f"https://{match[1]}:{match[2] or 8006}"


def _fingerprint(text: str) -> str:
    """64 hex digits, with or without colons, as Proxmox shows them."""
    digits = text.replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError(
            "it is no SHA-256 fingerprint: `pvenode cert info` on the node shows it, 32 pairs of hex digits"
        )
    return digits


def _base32(secret: SecretStr) -> SecretStr:
    """The secret of a second factor, as Proxmox shows it when it is set up."""
    text = secret.get_secret_value().replace(" ", "").upper().rstrip("=")
    try:
        base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error:
        raise ValueError("it is no base32 text: Proxmox shows it beside the QR code") from None
    return SecretStr(text)


class Limits(BaseModel):
    """How many heavy tasks (full clones, restores, moves of disks) run at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    node: int = Field(default=32, ge=1)
    storage: int = Field(default=4, ge=1)


class SshHost(BaseModel):
    """How to reach a node over SSH, and how to know that it is the one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    address: str
    port: int = Field(default=22, ge=1, le=65535)
    host_key: str = Field(pattern=r"^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?)$")
    """The node's public key (`/etc/ssh/ssh_host_ed25519_key.pub`), or its fingerprint (`SHA256:…`)."""


class SshAccess(BaseModel):
    """How to log in to the nodes of a connection over SSH."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    username: str = "root"
    private_key: SecretStr | None = None
    private_key_file: Path | None = None
    password: SecretStr | None = None
    hosts: dict[str, SshHost] = Field(min_length=1)
    """By the name of the node."""

    @model_validator(mode="after")
    def _one_way_in(self) -> SshAccess:
        if sum(way is not None for way in (self.private_key, self.private_key_file, self.password)) != 1:
            raise ValueError("give one of private_key, private_key_file and password")
        if self.private_key_file is not None and not self.private_key_file.is_file():
            raise ValueError(f"private_key_file: there is no file {self.private_key_file}")
        return self


class Connection(BaseModel):
    """How to reach one cluster, or one host that is in none, and as whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoints: list[Annotated[str, AfterValidator(_endpoint)]] = Field(min_length=1)
    token_id: str | None = Field(default=None, pattern=r"^[^@\s!]+@[^@\s!]+![A-Za-z0-9._-]+$")
    token_secret: SecretStr | None = None
    username: str | None = Field(default=None, pattern=r"^[^@\s!]+@[^@\s!]+$")
    password: SecretStr | None = None
    totp_secret: Annotated[SecretStr, AfterValidator(_base32)] | None = None
    ca_file: Path | None = None
    fingerprint: Annotated[str, AfterValidator(_fingerprint)] | None = None
    insecure: bool = False
    request_timeout: float = Field(default=60, gt=0)
    limits: Limits = Limits()
    ssh: SshAccess | None = None

    @model_validator(mode="after")
    def _one_identity_and_one_trust(self) -> Connection:
        given = {name for name in ("token_id", "token_secret", "username", "password") if getattr(self, name)}
        if given not in ({"token_id", "token_secret"}, {"username", "password"}):
            raise ValueError("give either token_id and token_secret, or username and password")
        if sum((self.ca_file is not None, self.fingerprint is not None, self.insecure)) > 1:
            raise ValueError("give only one of ca_file, fingerprint and insecure")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise ValueError(f"ca_file: there is no file {self.ca_file}")
        return self

    def at(self, moved: Mapping[str, str]) -> Connection:
        """The same where nodes have other addresses now: old address -> new one."""

        def endpoint(text: str) -> str:
            address, _, port = text.removeprefix("https://").rpartition(":")
            new = moved.get(address.strip("[]"), address)
            return f"https://[{new}]:{port}" if ":" in new.strip("[]") and new[0] != "[" else f"https://{new}:{port}"

        hosts = self.ssh.hosts if self.ssh else {}
        there = {
            name: host.model_copy(update={"address": moved.get(host.address, host.address)})
            for name, host in hosts.items()
        }
        ssh = self.ssh.model_copy(update={"hosts": there}) if self.ssh else None
        return self.model_copy(update={"endpoints": [endpoint(text) for text in self.endpoints], "ssh": ssh})


def load(config: Mapping[str, Any], project_dir: Path) -> dict[str, Connection]:
    """Every connection of the stack, by name."""
    given, topology = config.get(CONNECTIONS_KEY), config.get(SIMULATOR_KEY)
    if given is not None:
        return _parsed(given)
    if topology:
        return _simulated(str(topology), project_dir)
    meant = [key for key in config if get_close_matches(key, (CONNECTIONS_KEY, SIMULATOR_KEY), cutoff=ALIKE)]
    raise ConfigProblem(
        f"no connection: set the secret {CONNECTIONS_KEY} for real hosts, or {SIMULATOR_KEY} to the name of a topology "
        f"for simulated ones" + (f"; is that what {meant[0]} is meant to be?" if meant else "")
    )


def _parsed(given: Any) -> dict[str, Connection]:
    """`proxmox:connections` as the engine hands it over: an object, or the JSON text of one."""
    try:
        bag = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise ConfigProblem(f"{CONNECTIONS_KEY} is not JSON: {error}") from None
    if not isinstance(bag, dict) or not bag:
        raise ConfigProblem(f"{CONNECTIONS_KEY} has to be a map of name to connection")
    connections = {}
    for name, values in bag.items():
        try:
            connections[name] = Connection.model_validate(values)
        except ValidationError as error:
            raise ConfigProblem(_config_problem(name, error)) from None
    return connections


def _config_problem(name: str, error: ValidationError) -> str:
    """The first thing wrong with a connection; never its values, which may be secret."""
    first = error.errors(include_input=False, include_context=False)[0]
    where = ".".join([CONNECTIONS_KEY, name, *map(str, first["loc"])])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def _simulated(topology: str, project_dir: Path) -> dict[str, Connection]:
    """Connections into the simulator, started if it does not run. Imported late: real hosts don't need it."""
    from simulator import daemon  # noqa: PLC0415

    base = Path(os.environ.get("PROXMOX_SIM_HOME") or project_dir / ".simulator")
    try:
        running = daemon.ensure(base / Path(topology).stem, topology)
    except daemon.DaemonError as error:
        raise ConfigProblem(f"{SIMULATOR_KEY}: {error}") from None
    return {
        name: Connection(
            **simulated.login,
            endpoints=simulated.endpoints,
            ca_file=simulated.ca_file,
            ssh=SshAccess(
                private_key_file=simulated.ssh_key,
                hosts={
                    node: SshHost(address=host.address, port=host.port, host_key=host.public_key)
                    for node, host in simulated.ssh.items()
                },
            ),
        )
        for name, simulated in running.connections.items()
    }


def pick(connections: Mapping[str, Connection], name: str | None) -> str:
    """The name that is meant: the given one, or the only one."""
    if name is None:
        if len(connections) == 1:
            return next(iter(connections))
        raise ConfigProblem(f"the stack has several connections ({', '.join(sorted(connections))}): say which one")
    if name not in connections:
        raise ConfigProblem(f"there is no connection {name!r}; the stack has {', '.join(sorted(connections))}")
    return name
