"""Answers the engine's calls: Pulumi's provider protocol on one side, the resource types on the other."""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from toolchain.random_provider.fields import UNKNOWN, Properties
from toolchain.random_provider.resources import RESOURCE_TYPES, ImportProblem, Made, ResourceType

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret value in Pulumi's protocol


class RandomProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The provider: without configuration, without state; every change of an input is a replacement."""

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's signature
        """Accept the configuration: there is none."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's signature
        """Nothing about the provider itself can change."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's signature
        """Take previews of creation; let the engine keep track of which inputs are secret."""
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's signature
        """Name the version of the Python package, which asks for the plugin of the same version."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi-random"))

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's signature
        """Describe the types, for `pulumi import` and programs in YAML."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps(_schema()))

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Refuse inputs that cannot be used; pass the others on as they are."""
        found = _type_of(request.urn, context).check(_properties(request.news))
        failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in found]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Replace when any input differs from the one that the state was made from."""
        resource_type = _type_of(request.urn, context)
        old = resource_type.plan(_properties(request.olds))
        new = resource_type.plan(_properties(request.news))
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        if not changed:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            diffs=changed,
            replaces=changed,
            hasDetailedDiff=True,
            detailedDiff={name: _detail(name in old, name in new) for name in changed},
        )

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Make the value; in a preview only say which values there will be."""
        resource_type = _type_of(request.urn, context)
        plan = resource_type.plan(_properties(request.properties))
        if request.preview:
            outputs = {**plan, **dict.fromkeys(resource_type.outputs, UNKNOWN)}
            return provider_pb2.CreateResponse(id="", properties=_struct(resource_type, outputs))
        made = resource_type.make(plan)
        return provider_pb2.CreateResponse(id=made.id, properties=_struct(resource_type, {**plan, **made.outputs}))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Give back what is known on a refresh, since nothing outside can change; without any state, import."""
        resource_type = _type_of(request.urn, context)
        state = _properties(request.properties)
        if state:
            properties = _struct(resource_type, state)
            return provider_pb2.ReadResponse(id=request.id, properties=properties, inputs=request.inputs)
        inputs, made = _adopted(resource_type, request, context)
        plan = resource_type.plan(inputs)
        return provider_pb2.ReadResponse(
            id=made.id,
            properties=_struct(resource_type, {**plan, **made.outputs}),
            inputs=_struct(resource_type, plan),
        )

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's signature
        """Forgetting a random value takes no work."""
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's signature
        """Nothing takes long enough to be cancelled."""
        return empty_pb2.Empty()


def _type_of(urn: str, context: Any) -> ResourceType:
    """Find the resource's type in its URN (`urn:pulumi:stack::project::parents$type::name`)."""
    token = urn.split("::")[2].rpartition("$")[2]
    if token not in RESOURCE_TYPES:
        _refuse(context, f"{token} is not a type of pulumi-random")
    return RESOURCE_TYPES[token]


def _adopted(resource_type: ResourceType, request: Any, context: Any) -> tuple[Properties, Made]:
    """Make inputs and outputs from the ID given to an import."""
    if resource_type.adopt is None:
        _refuse(context, "this type cannot be imported")
    try:
        return resource_type.adopt(request.id)
    except ImportProblem as problem:
        _refuse(context, str(problem))


def _refuse(context: Any, reason: str) -> NoReturn:
    """End the call with an error that the engine shows to the user."""
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)
    raise AssertionError(reason)


def _detail(was: bool, is_now: bool) -> Any:
    """Name the kind of a change for the detailed diff."""
    kinds = provider_pb2.PropertyDiff
    kind = kinds.UPDATE_REPLACE if was and is_now else kinds.ADD_REPLACE if is_now else kinds.DELETE_REPLACE
    return provider_pb2.PropertyDiff(kind=kind, inputDiff=True)


def _properties(struct: struct_pb2.Struct) -> Properties:
    """Read properties from the protocol; secrets come as plain values, since we said we don't take them."""
    return json_format.MessageToDict(struct)


def _struct(resource_type: ResourceType, properties: Properties) -> struct_pb2.Struct:
    """Write properties for the protocol, the sensitive ones as secrets."""
    marked = {
        name: {_SIGNATURE: _SECRET, "value": value} if name in resource_type.secret and value != UNKNOWN else value
        for name, value in properties.items()
    }
    struct = struct_pb2.Struct()
    struct.update(marked)
    return struct


def _schema() -> Properties:
    """Write the schema of the package from the declarations of the fields."""
    resources = {}
    for token, kind in RESOURCE_TYPES.items():
        inputs = {name: field.schema() for name, field in kind.fields.items()}
        outputs = {
            name: {**field.schema(), **({"secret": True} if name in kind.secret else {})}
            for name, field in kind.outputs.items()
        }
        resources[token] = {
            "inputProperties": inputs,
            "requiredInputs": [name for name, field in kind.fields.items() if field.required],
            "properties": {**inputs, **outputs},
            "required": list(kind.outputs),
        }
    return {"name": "random", "version": importlib.metadata.version("pulumi-random"), "resources": resources}
