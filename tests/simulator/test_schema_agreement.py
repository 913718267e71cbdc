"""Every method that is declared agrees with what Proxmox VE publishes about it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import api
from simulator.formats import is_known
from simulator.routing import ROUTES, Route
from simulator.schema import Param, PropertyString
from tests.simulator.oracles import api_schema

assert api.__all__

OTHER_WORDS = (
    "GET /nodes/{node}/query-oci-repo-tags reference",
    "POST /nodes/{node}/storage/{storage}/oci-registry-pull reference",
)
"""Patterns that are written in another way, as the schema's way takes for ever on a long text."""
_BY_NAME = {f"{route.method} {route.path}": route for route in ROUTES}


def _perl(pattern: str) -> str:
    """Write a Perl pattern as Python's, without the anchors that a full match does not need."""
    pattern = re.sub(r"\(\?\^([a-z]*):", lambda match: f"(?{match[1]}:", pattern)
    return pattern.removeprefix("(?:^").removesuffix("$)") if pattern.startswith("(?:^") else pattern.strip("^$")


def _expected_param(oracle: dict[str, Any]) -> dict[str, Any]:
    """Return what counts of a parameter's schema."""
    form = oracle.get("format")
    return {
        "type": oracle.get("type", "string"),
        "optional": bool(oracle.get("optional") or oracle.get("alias")),
        "enum": sorted(oracle["enum"]) if oracle.get("enum") else None,
        "minimum": None if oracle.get("minimum") is None else float(oracle["minimum"]),
        "maximum": None if oracle.get("maximum") is None else float(oracle["maximum"]),
        "min_length": oracle.get("minLength"),
        "max_length": oracle.get("maxLength"),
        "requires": oracle.get("requires"),
        "count": oracle.get("count"),
        "alias": oracle.get("alias"),
        "key_alias": oracle.get("keyAlias"),
        "default_key": bool(oracle.get("default_key")),
        "format": form if isinstance(form, str) else _expected_params(form) if form else None,
        "pattern": bool(oracle.get("pattern")),
    }


def _declared_param(param: Param, oracle: dict[str, Any]) -> dict[str, Any]:
    form: Any = param.format
    if isinstance(form, PropertyString):
        known = oracle.get("format")
        form = form.name if isinstance(known, str) else _declared_params(form.properties, known or {})
    return {
        "type": param.type,
        "optional": param.optional or param.alias is not None,
        "enum": sorted(param.enum) if param.enum else None,
        "minimum": None if param.minimum is None else float(param.minimum),
        "maximum": None if param.maximum is None else float(param.maximum),
        "min_length": param.min_length,
        "max_length": param.max_length,
        "requires": param.requires,
        "count": param.count,
        "alias": param.alias,
        "key_alias": param.key_alias,
        "default_key": param.default_key,
        "format": form,
        "pattern": param.pattern is not None,
    }


def _expected_params(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: _expected_param(oracle) for name, oracle in sorted(properties.items())}


def _declared_params(params: Any, oracle: dict[str, Any]) -> dict[str, Any]:
    return {name: _declared_param(param, oracle.get(name, {})) for name, param in sorted(params.items())}


def _differences(declared: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return each difference of two sets of parameters in words."""
    found = [f"{name} is not in the schema" for name in declared.keys() - expected.keys()]
    found += [f"{name} is missing" for name in expected.keys() - declared.keys()]
    for name in sorted(declared.keys() & expected.keys()):
        found += [
            f"{name}.{key}: schema says {value!r}, declared is {declared[name][key]!r}"
            for key, value in expected[name].items()
            if declared[name][key] != value
        ]
    return found


def _properties(parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the parameters of all calls of a method, and those that depend on the parameter `type`."""
    common, variants = dict(parameters.get("properties", {})), dict[str, dict[str, Any]]()
    for part in parameters.get("allOf", []):
        common |= part.get("properties", {})
        if "oneOf" in part:
            common[part["type-property"]] = part["type-property-schema"]
            variants = {variant["instance-type"]: variant["properties"] for variant in part["oneOf"]}
    return common, variants


@pytest.mark.parametrize("name", sorted(_BY_NAME))
def test_a_declared_method_agrees_with_the_schema(name: str) -> None:
    route = _BY_NAME[name]
    oracle = api_schema()[route.method, route.path]
    properties, variants = _properties(oracle["parameters"])
    assert not _differences(_declared_params(route.params, properties), _expected_params(properties))
    assert route.variants.keys() == variants.keys()
    for kind, more in variants.items():
        assert not _differences(_declared_params(route.variants[kind], more), _expected_params(more)), kind
    permissions = oracle.get("permissions") or {}
    assert (route.check, route.user) == (permissions.get("check"), permissions.get("user"))
    assert route.protected == bool(oracle.get("protected"))
    assert route.proxyto == oracle.get("proxyto")
    assert route.allowtoken == bool(oracle["allowtoken"])


@pytest.mark.parametrize("name", sorted(_BY_NAME))
def test_every_named_format_that_is_declared_has_a_check(name: str) -> None:
    def formats(params: Any) -> list[str]:
        found: list[str] = []
        for param in params.values():
            if isinstance(param.format, PropertyString):
                found += formats(param.format.properties)
            elif param.format is not None:
                found.append(param.format)
        return found

    route: Route = _BY_NAME[name]
    assert not [form for form in formats(route.params) if not is_known(form.removesuffix("-opt"))]


def _patterns(route: Route) -> dict[str, tuple[str, str]]:
    """Return the patterns of a method's parameters: the schema's and the declared one."""
    properties = api_schema()[route.method, route.path]["parameters"].get("properties", {})
    return {
        f"{route.method} {route.path} {name}": (
            _perl(properties.get(name, {}).get("pattern") or ""),
            _perl(param.pattern),
        )
        for name, param in route.params.items()
        if param.pattern is not None
    }


def test_patterns_are_those_of_the_schema() -> None:
    found = {name: pair for route in ROUTES for name, pair in _patterns(route).items()}

    assert {name: pair for name, pair in found.items() if pair[0] != pair[1] and name not in OTHER_WORDS} == {}


@pytest.mark.parametrize("name", OTHER_WORDS)
@given(st.text("aZ0.:/-_", max_size=9))
def test_a_pattern_in_other_words_takes_the_same_texts(name: str, text: str) -> None:
    expected, declared = _patterns(_BY_NAME[name.rpartition(" ")[0]])[name]

    assert bool(re.fullmatch(expected, text)) == bool(re.fullmatch(declared, text))
