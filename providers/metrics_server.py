"""A server that the nodes send their figures to: Graphite, InfluxDB or one that speaks OpenTelemetry.

API: `/cluster/metrics/server`. Proxmox tells nobody the token of an InfluxDB, so that one that was changed by hand is
not seen. When an entry is made or changed, Proxmox itself tries whether the server answers.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.handler import ConfigObject
from providers._runtime.markers import Immutable, Sensitive, ServerDefault, Wire, WriteOnly
from providers._runtime.model import Inputs, Values
from providers._runtime.privileges import Need

ALL_TYPES = frozenset({"connection", "adopt", "timeouts", "server_id", "type", "server", "port", "disable", "mtu"})
FIELDS = {
    "graphite": frozenset({"path", "proto", "timeout"}),
    "influxdb": frozenset(
        {
            "influxdbproto", "organization", "bucket", "token", "api_path_prefix", "max_body_size",
            "verify_certificate", "timeout",
        }
    ),
    "opentelemetry": frozenset(
        {
            "otel_protocol", "otel_path", "otel_timeout", "otel_headers", "otel_verify_ssl", "otel_max_body_size",
            "otel_resource_attributes", "otel_compression", "timeout",
        }
    ),
}  # fmt: skip
"""Type -> the fields that it has besides those of all types."""


class MetricsServerInputs(Inputs):
    """A metrics server as declared."""

    server_id: Annotated[str, Wire("id"), Immutable(), Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]+$")] = Field(
        description="Name of the entry."
    )
    type: Annotated[Literal["graphite", "influxdb", "opentelemetry"], Immutable()] = Field(
        description="What the server speaks."
    )
    server: str = Field(min_length=1, description="Address or name of the server.")
    port: int = Field(ge=1, le=65536, description="Its port.")
    disable: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether nothing is sent."
    )
    mtu: Annotated[int | None, ServerDefault(value=1500), Field(ge=512, le=65536)] = Field(
        default=None, description="Size of the packets where UDP is used."
    )
    timeout: Annotated[int | None, ServerDefault(value=1), Field(ge=0)] = Field(
        default=None, description="Seconds that a node waits for the server where TCP is used."
    )
    path: str | None = Field(default=None, description="graphite: what the names of all figures begin with.")
    proto: Literal["udp", "tcp"] | None = Field(default=None, description="graphite: how it is sent.")
    influxdbproto: Annotated[Literal["udp", "http", "https"] | None, ServerDefault(value="udp")] = Field(
        default=None, description="influxdb: how it is sent."
    )
    organization: str | None = Field(default=None, description="influxdb: the organization, where HTTP is used.")
    bucket: str | None = Field(default=None, description="influxdb: the bucket, or the database of an older server.")
    token: Annotated[str | None, WriteOnly()] = Field(
        default=None, description="influxdb: the token that may write there; `user:password` for an older server."
    )
    api_path_prefix: Annotated[str | None, Wire("api-path-prefix")] = Field(
        default=None, description="influxdb: what stands before the API's path behind a proxy."
    )
    max_body_size: Annotated[int | None, Wire("max-body-size"), ServerDefault(value=25000000), Field(ge=1)] = Field(
        default=None, description="influxdb: bytes of one request at most."
    )
    verify_certificate: Annotated[bool | None, Wire("verify-certificate"), ServerDefault(value=True)] = Field(
        default=None, description="influxdb: whether the server's certificate is verified."
    )
    otel_protocol: Annotated[Literal["http", "https"] | None, Wire("otel-protocol"), ServerDefault(value="https")] = (
        Field(default=None, description="opentelemetry: how it is sent.")
    )
    otel_path: Annotated[str | None, Wire("otel-path"), ServerDefault(value="/v1/metrics")] = Field(
        default=None, description="opentelemetry: the path on the server."
    )
    otel_timeout: Annotated[int | None, Wire("otel-timeout"), ServerDefault(value=5), Field(ge=1, le=10)] = Field(
        default=None, description="opentelemetry: seconds that a node waits for the server."
    )
    otel_headers: Annotated[str | None, Wire("otel-headers"), Sensitive(), Field(max_length=1024)] = Field(
        default=None, description="opentelemetry: headers to send, as base64 of JSON; the place for a token."
    )
    otel_verify_ssl: Annotated[bool | None, Wire("otel-verify-ssl"), ServerDefault(value=True)] = Field(
        default=None, description="opentelemetry: whether the server's certificate is verified."
    )
    otel_max_body_size: Annotated[
        int | None, Wire("otel-max-body-size"), ServerDefault(value=10000000), Field(ge=1024)
    ] = Field(default=None, description="opentelemetry: bytes of one request at most.")
    otel_resource_attributes: Annotated[str | None, Wire("otel-resource-attributes"), Field(max_length=1024)] = Field(
        default=None, description="opentelemetry: more attributes of each figure, as base64 of JSON."
    )
    otel_compression: Annotated[
        Literal["none", "gzip"] | None, Wire("otel-compression"), ServerDefault(value="gzip")
    ] = Field(default=None, description="opentelemetry: how it is compressed.")

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> MetricsServerInputs:
        for name in sorted(self.model_fields_set - ALL_TYPES - FIELDS[self.type]):
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name}: a server of type {self.type} has no such field")
        return self


class MetricsServerOutputs(MetricsServerInputs):
    """A metrics server as it is."""


class MetricsServerHandler(ConfigObject):
    """Metrics servers as Proxmox keeps them."""

    inputs: ClassVar = MetricsServerInputs
    outputs: ClassVar = MetricsServerOutputs
    path = "/cluster/metrics/server"
    key = "server_id"
    missing = r"status server entry '.*' does not exist|no such server|cannot lookup undefined type"
    restated = ("server", "port")
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/metrics/server/{id}", "PUT /cluster/metrics/server/{id}"),
        carried={"delete": "(what is declared no longer)", "digest": "(always sent)"},
    )

    def needs(self, wanted: Values) -> list[Need]:
        """Making, changing and removing it take the same."""
        return [("/", "Sys.Modify")]

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """All but its token."""
        return [("/", "Sys.Audit")]

    def add(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """It is made at its own path."""
        api.post(self.object_path(name), {key: value for key, value in parameters.items() if key != "id"})


class MetricsServerArgs(CommonArgs):
    """Arguments of `MetricsServer`."""

    server_id: pulumi.Input[str]
    type: pulumi.Input[str]
    server: pulumi.Input[str]
    port: pulumi.Input[int]
    disable: NotRequired[pulumi.Input[bool] | None]
    mtu: NotRequired[pulumi.Input[int] | None]
    timeout: NotRequired[pulumi.Input[int] | None]
    path: NotRequired[pulumi.Input[str] | None]
    proto: NotRequired[pulumi.Input[str] | None]
    influxdbproto: NotRequired[pulumi.Input[str] | None]
    organization: NotRequired[pulumi.Input[str] | None]
    bucket: NotRequired[pulumi.Input[str] | None]
    token: NotRequired[pulumi.Input[str] | None]
    api_path_prefix: NotRequired[pulumi.Input[str] | None]
    max_body_size: NotRequired[pulumi.Input[int] | None]
    verify_certificate: NotRequired[pulumi.Input[bool] | None]
    otel_protocol: NotRequired[pulumi.Input[str] | None]
    otel_path: NotRequired[pulumi.Input[str] | None]
    otel_timeout: NotRequired[pulumi.Input[int] | None]
    otel_headers: NotRequired[pulumi.Input[str] | None]
    otel_verify_ssl: NotRequired[pulumi.Input[bool] | None]
    otel_max_body_size: NotRequired[pulumi.Input[int] | None]
    otel_resource_attributes: NotRequired[pulumi.Input[str] | None]
    otel_compression: NotRequired[pulumi.Input[str] | None]


class MetricsServer(Resource, kind="metrics_server"):
    """A server that the nodes send their figures to."""

    server_id: pulumi.Output[str]
    type: pulumi.Output[str]
    server: pulumi.Output[str]
    port: pulumi.Output[int]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[MetricsServerArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
