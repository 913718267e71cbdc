"""Between Pulumi's dynamic providers and the handlers: the only importer of `pulumi.dynamic`.

A resource is a class of its own in the program, and `ProxmoxProvider(kind)` in the state. That class is pickled by
reference, so its import path, the kinds and the type tokens are the state's format and can't be renamed.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
from google.protobuf import struct_pb2
from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc

from providers._runtime import checking, host, hub, lifecycle
from providers._runtime.api import Api
from providers._runtime.errors import ApiRefused, DataAtRisk
from providers._runtime.handler import Handler
from providers._runtime.model import Timeouts, Values, declared, fields_of
from providers._runtime.ownership import Owner
from providers._runtime.pickling import kept_pickler
from providers._runtime.registry import handler_of
from providers._runtime.wire import Part

PROVIDER_KEY = "__provider"
UNREACHABLE_NODE = frozenset({595, 596})


class CommonArgs(TypedDict):
    """What every resource takes besides Proxmox's own fields."""

    connection: NotRequired[pulumi.Input[str] | None]
    adopt: NotRequired[pulumi.Input[str] | None]
    timeouts: NotRequired[pulumi.Input[Mapping[str, float]] | None]


class Resource(dynamic.Resource):
    """A Proxmox object in the program. A subclass names its kind and types its arguments and outputs."""

    kind: str

    def __init_subclass__(cls, *, kind: str, **kwargs: Any) -> None:
        """Fix the type token: `pulumi-python:dynamic/proxmox:Pool`."""
        super().__init_subclass__(module="proxmox", name=cls.__name__, **kwargs)
        cls.kind = kind

    def __init__(self, resource_name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        handler = handler_of(self.kind)
        # Each becomes an attribute, and Pulumi's wait at the end is quadratic in them, so these are not all fields.
        properties: dict[str, Any] = dict.fromkeys([*self._typed(), *handler.computed])
        for name, value in args.items():
            spec = fields_of(handler.inputs).get(name)
            plain = _plain(value)
            properties[name] = pulumi.Output.secret(plain) if spec and spec.secret and plain is not None else plain
        secrets = [name for name, spec in fields_of(handler.outputs).items() if spec.secret]
        own = pulumi.ResourceOptions(additional_secret_outputs=secrets) if secrets else None
        merged = pulumi.ResourceOptions.merge(opts, own)
        with kept_pickler():
            super().__init__(ProxmoxProvider(self.kind), resource_name, properties, merged)

    @classmethod
    def _typed(cls) -> list[str]:
        """The outputs that the class has as attributes, declared or not."""
        fields = fields_of(handler_of(cls.kind).outputs)
        return [name for ancestor in cls.__mro__ for name in inspect.get_annotations(ancestor) if name in fields]


def _plain(value: Any) -> Any:
    """Parts as the maps that Pulumi knows; everything else as it is."""
    if isinstance(value, Part):
        return value.as_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


class ProxmoxProvider(dynamic.ResourceProvider):
    """All kinds, through one class: what Pulumi asks is answered by the kind's handler."""

    serialize_as_secret_always = False

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    @property
    def handler(self) -> Handler:
        """The kind's handler."""
        return handler_of(self.kind)

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Called once a kind and process, with the stack's whole configuration, decrypted."""
        config = dict(req.config._props)
        hub.open_hub(lambda: hub.Hub(config, Path.cwd()))

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Canonical inputs, or what is wrong with them."""
        before = _received(olds)
        given = {name: value for name, value in _received(news).items() if value is not None}
        unknown = frozenset(name for name, value in given.items() if _has_unknown(value))
        known = {name: value for name, value in given.items() if name not in unknown and name not in checking.ADDED}
        call = host.current_call()
        urn = call.urn if call else ""
        facts = hub.the_hub().facts(None if "connection" in unknown else known.get("connection"))
        check = checking.Check(self.handler, facts, Owner.of_urn(urn), lambda text: hub.the_hub().warn_once(urn, text))
        inputs, problems = check.run(before, known, unknown)
        inputs = {**inputs, **{name: given[name] for name in unknown}}
        if facts.client.connection.insecure:
            inputs[checking.INSECURE] = True
        if before:
            hub.the_hub().impacts[urn] = inputs.get(checking.IMPACT)
        elif impact := hub.the_hub().impacts.get(urn):
            inputs[checking.IMPACT] = impact  # a replacement is checked a second time, without what was before
        # The field is in the reason and not in `property`, of which the engine would show the value, secret or not.
        said = [f"{field}: {reason}" if field else reason for field, reason in problems]
        return dynamic.CheckResult(inputs, [dynamic.CheckFailure("", text) for text in said])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """What differs between the state and the inputs; computed outputs are never compared."""
        old = declared(self.handler.inputs, _received(olds))
        unknown = frozenset(name for name, value in news.items() if _has_unknown(value))
        wanted = {k: v for k, v in declared(self.handler.inputs, _received(news)).items() if k not in unknown}
        names = checking.differing(self.handler, old, wanted, unknown, news.get(checking.PLANNED) or [])
        replaces = [name for name in names if name in checking.replaced_by(self.handler, old, wanted, unknown)]
        for field, reason in checking.data_at_risk(self.handler, old, wanted, unknown):
            if field in replaces:  # the inputs have passed: what differs is on the host, changed behind our back
                raise DataAtRisk(f"{field}: {reason}")
        return dynamic.DiffResult(changes=bool(names), replaces=replaces, delete_before_replace=bool(replaces))

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Make the object, or take over the one that is meant."""
        wanted = declared(self.handler.inputs, _received(props))
        api = self._api(wanted, "create")
        try:
            id_, outs = lifecycle.create(self.handler, api, wanted)
        except Exception as error:
            self._keep_what_is_there(api, props, {}, wanted, error)
            raise
        return dynamic.CreateResult(id_, outs)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Bring the object to the inputs."""
        wanted = declared(self.handler.inputs, _received(news))
        before = _received(olds)
        api = self._api(wanted, "update")
        try:
            return dynamic.UpdateResult(lifecycle.update(self.handler, api, id_, before, wanted))
        except Exception as error:
            api.created(id_)
            self._keep_what_is_there(api, news, before, wanted, error)
            raise

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """The object as it is; drift shows in its own field, in the inputs too."""
        recorded = _received(props)
        wanted = declared(self.handler.inputs, recorded)
        api = self._api(wanted, "read")
        api.recorded = recorded
        try:
            outs = lifecycle.read(self.handler, api, id_, wanted)
        except ApiRefused as refused:
            if refused.status not in UNREACHABLE_NODE:
                raise
            api.warn(f"its node does not answer, so what is known of it is kept: {refused}")
            return dynamic.ReadResult(id_, props)
        if outs is None:
            return dynamic.ReadResult("", {})
        call = host.current_call()
        planned = {checking.PLANNED: call.planned} if call and call.planned else {}
        return dynamic.ReadResult(id_, outs, {**declared(self.handler.inputs, outs), **planned})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Remove the object."""
        values = _received(props)
        self.handler.delete(self._api(values, "delete"), id_, values)

    def _api(self, values: Values, operation: str) -> Api:
        call = host.current_call()
        timeouts = Timeouts.model_validate(values.get("timeouts") or {})
        seconds = (call.timeout if call else None) or getattr(timeouts, operation)
        return hub.the_hub().api(values.get("connection"), call.urn if call else "", seconds)

    def _keep_what_is_there(
        self, api: Api, props: dict[str, Any], before: Values, wanted: Values, error: Exception
    ) -> None:
        """Hand the engine a half-made or half-changed resource, so that the next `up` goes on with it."""
        call = host.current_call()
        if call is None or api.kept is None:
            return
        patient = replace(api, deadline=time.monotonic() + Timeouts().read)  # its own time may be over
        outs = lifecycle.left_behind(self.handler, patient, api.kept, before, wanted)
        if outs is None:
            return
        key = {PROVIDER_KEY: props[PROVIDER_KEY]}
        host.keep_partial(call, api.kept, _struct({**outs, **key}), _struct(props), str(error))


def _received(bag: Mapping[str, Any]) -> Values:
    """A bag as the engine hands it over, without the host's own key, and with whole numbers whole again."""
    return {name: _whole(value) for name, value in bag.items() if name != PROVIDER_KEY}


def _whole(value: Any) -> Any:
    """The engine's numbers are all floats: 9000 comes as 9000.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(map(_has_unknown, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_unknown, value))


def _struct(bag: Mapping[str, Any]) -> struct_pb2.Struct:
    """A bag in the engine's wire format."""
    return asyncio.run(rpc.serialize_properties(dict(bag), {}))
