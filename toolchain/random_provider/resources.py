"""The resource types of pulumi-random: their fields, how their values are made, and how they are imported."""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import bcrypt

from toolchain.random_provider.fields import KEEPERS, Field, Properties, is_unknown, planned, problems
from toolchain.random_provider.generators import (
    character_classes,
    pet_name,
    random_integer,
    random_string,
    shuffled,
    uuid7,
)

_BCRYPT_READS = 72


class ImportProblem(Exception):
    """An ID cannot be imported; the text says what is expected instead."""


@dataclass(frozen=True)
class Made:
    """A made or imported resource: its ID and the outputs beyond its inputs."""

    id: str
    outputs: Properties


def _no_further_problems(_plan: Properties) -> Iterable[tuple[str, str]]:
    """Accept every combination of fields."""
    return ()


@dataclass(frozen=True)
class ResourceType:
    """A type: declarative where possible, with a function for what its values are made of."""

    fields: Mapping[str, Field]
    outputs: Mapping[str, Field]
    make: Callable[[Properties], Made]
    adopt: Callable[[str], tuple[Properties, Made]] | None = None
    secret: frozenset[str] = frozenset()
    contradictions: Callable[[Properties], Iterable[tuple[str, str]]] = _no_further_problems

    def plan(self, properties: Properties) -> Properties:
        """Complete inputs, or the inputs within a state, with the defaults; deprecated `number` is `numeric`."""
        merged = dict(properties)
        if "numeric" in self.fields and merged.keys() & {"number", "numeric"}:
            numeric = merged["numeric"] if merged.get("numeric") is not None else merged["number"]
            merged["number"] = merged["numeric"] = numeric
        return planned(self.fields, merged)

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        """List what is wrong with inputs: field by field, and together once each is right by itself."""
        found = problems(self.fields, inputs)
        known = {name: value for name, value in inputs.items() if not is_unknown(value)}
        if found or len(known) < len(inputs):
            return found
        if known.get("number", known.get("numeric")) != known.get("numeric", known.get("number")):
            return [("number", "is the deprecated name of numeric and cannot differ from it")]
        return list(self.contradictions(self.plan(known)))


_STRING_FIELDS = {
    "keepers": KEEPERS,
    "length": Field("integer", required=True, at_least=1),
    "lower": Field("boolean", default=True),
    "minLower": Field("integer", default=0, at_least=0),
    "minNumeric": Field("integer", default=0, at_least=0),
    "minSpecial": Field("integer", default=0, at_least=0),
    "minUpper": Field("integer", default=0, at_least=0),
    "number": Field("boolean", default=True),
    "numeric": Field("boolean", default=True),
    "overrideSpecial": Field("string"),
    "special": Field("boolean", default=True),
    "upper": Field("boolean", default=True),
}


def _string_contradictions(plan: Properties) -> Iterable[tuple[str, str]]:
    """Refuse a string without allowed characters and one too short for what it has to contain."""
    if not any(plan[name] for name in ("special", "upper", "lower", "numeric")):
        yield "special", "at least one of special, upper, lower and numeric has to be true"
    least = sum(plan[name] for name in ("minUpper", "minLower", "minNumeric", "minSpecial"))
    if plan["length"] < least:
        yield "length", f"has to be at least minUpper + minLower + minNumeric + minSpecial = {least}"


def _string_value(plan: Properties) -> str:
    """Make the value of a RandomString or RandomPassword."""
    classes = character_classes(
        lower=(plan["lower"], plan["minLower"]),
        upper=(plan["upper"], plan["minUpper"]),
        numeric=(plan["numeric"], plan["minNumeric"]),
        special=(plan["special"], plan["minSpecial"]),
        own=plan.get("overrideSpecial", ""),
    )
    return random_string(plan["length"], classes)


def _string(value: str) -> Made:
    """A RandomString is its own ID."""
    return Made(value, {"result": value})


def _password(value: str) -> Made:
    """A RandomPassword has no telling ID, and a hash of as many bytes as bcrypt reads."""
    digest = bcrypt.hashpw(value.encode()[:_BCRYPT_READS], bcrypt.gensalt())
    return Made("none", {"result": value, "bcryptHash": digest.decode()})


def _id(raw: bytes, prefix: str) -> Made:
    """Write the bytes of a RandomId in its four notations; the ID itself has no prefix."""
    url = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    notations = {
        "b64Std": base64.b64encode(raw).decode(),
        "b64Url": url,
        "dec": str(int.from_bytes(raw, "big")),
        "hex": raw.hex(),
    }
    return Made(url, {name: prefix + value for name, value in notations.items()})


def _adopt_id(given: str) -> tuple[Properties, Made]:
    """Import `value` or `prefix,value`, the value in URL-safe base64."""
    prefix, _, value = given.rpartition(",")
    try:
        raw = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except binascii.Error as problem:
        raise ImportProblem(f"{value} is not URL-safe base64: {problem}") from None
    inputs: Properties = {"byteLength": len(raw), **({"prefix": prefix} if prefix else {})}
    return inputs, _id(raw, prefix)


def _bytes(raw: bytes) -> Made:
    """Write the bytes of a RandomBytes in its two notations."""
    text = base64.b64encode(raw).decode()
    return Made(text, {"base64": text, "hex": raw.hex()})


def _adopt_bytes(given: str) -> tuple[Properties, Made]:
    """Import bytes from base64."""
    try:
        raw = base64.b64decode(given, validate=True)
    except binascii.Error as problem:
        raise ImportProblem(f"{given} is not base64: {problem}") from None
    return {"length": len(raw)}, _bytes(raw)


def _integer(value: int) -> Made:
    """A RandomInteger's ID is the number in writing."""
    return Made(str(value), {"result": value})


def _adopt_integer(given: str) -> tuple[Properties, Made]:
    """Import `result,min,max` or `result,min,max,seed`."""
    result, *bounds = given.split(",", 3)
    try:
        minimum, maximum = int(bounds[0]), int(bounds[1])
        made = _integer(int(result))
    except (ValueError, IndexError):
        raise ImportProblem(f"{given} is not of the form result,min,max or result,min,max,seed") from None
    seed = {"seed": bounds[2]} if bounds[2:] else {}
    return {"min": minimum, "max": maximum, **seed}, made


def _integer_contradictions(plan: Properties) -> Iterable[tuple[str, str]]:
    """Refuse an empty range."""
    if plan["max"] < plan["min"]:
        yield "max", f"must not be less than min = {plan['min']}, got {plan['max']}"


def _uuid(value: str) -> Made:
    """A UUID is its own ID."""
    return Made(value, {"result": value})


def _adopt_uuid(given: str) -> tuple[Properties, Made]:
    """Import a UUID as it is written."""
    try:
        uuid.UUID(given)
    except ValueError:
        raise ImportProblem(f"{given} is not a UUID") from None
    return {}, _uuid(given)


def _shuffle(plan: Properties) -> Made:
    """Shuffle; without a count, all items."""
    count = plan.get("resultCount", len(plan["inputs"]))
    return Made("-", {"results": shuffled(plan["inputs"], count, plan.get("seed", ""))})


def _pet(plan: Properties) -> Made:
    """A pet's name is its ID and its only output."""
    return Made(pet_name(plan["length"], plan.get("prefix", ""), plan["separator"]), {})


def _uuid_type(make: Callable[[], Any]) -> ResourceType:
    """The three UUID types differ in nothing but the version."""
    result = {"result": Field("string", required=True)}
    return ResourceType({"keepers": KEEPERS}, result, lambda _plan: _uuid(str(make())), _adopt_uuid)


_TEXT = Field("string", required=True)

RESOURCE_TYPES: dict[str, ResourceType] = {
    f"random:index/{name[0].lower()}{name[1:]}:{name}": resource_type
    for name, resource_type in {
        "RandomPassword": ResourceType(
            _STRING_FIELDS,
            {"result": _TEXT, "bcryptHash": _TEXT},
            lambda plan: _password(_string_value(plan)),
            lambda given: ({"length": len(given)}, _password(given)),
            frozenset({"result", "bcryptHash"}),
            _string_contradictions,
        ),
        "RandomString": ResourceType(
            _STRING_FIELDS,
            {"result": _TEXT},
            lambda plan: _string(_string_value(plan)),
            lambda given: ({"length": len(given)}, _string(given)),
            contradictions=_string_contradictions,
        ),
        "RandomId": ResourceType(
            {
                "byteLength": Field("integer", required=True, at_least=1),
                "keepers": KEEPERS,
                "prefix": Field("string"),
            },
            {"b64Std": _TEXT, "b64Url": _TEXT, "dec": _TEXT, "hex": _TEXT},
            lambda plan: _id(secrets.token_bytes(plan["byteLength"]), plan.get("prefix", "")),
            _adopt_id,
        ),
        "RandomBytes": ResourceType(
            {"keepers": KEEPERS, "length": Field("integer", required=True, at_least=1)},
            {"base64": _TEXT, "hex": _TEXT},
            lambda plan: _bytes(secrets.token_bytes(plan["length"])),
            _adopt_bytes,
            frozenset({"base64", "hex"}),
        ),
        "RandomInteger": ResourceType(
            {
                "keepers": KEEPERS,
                "max": Field("integer", required=True),
                "min": Field("integer", required=True),
                "seed": Field("string"),
            },
            {"result": Field("integer", required=True)},
            lambda plan: _integer(random_integer(plan["min"], plan["max"], plan.get("seed", ""))),
            _adopt_integer,
            contradictions=_integer_contradictions,
        ),
        "RandomPet": ResourceType(
            {
                "keepers": KEEPERS,
                "length": Field("integer", default=2, at_least=1),
                "prefix": Field("string"),
                "separator": Field("string", default="-"),
            },
            {},
            _pet,
        ),
        "RandomShuffle": ResourceType(
            {
                "inputs": Field("array", required=True),
                "keepers": KEEPERS,
                "resultCount": Field("integer", at_least=0),
                "seed": Field("string"),
            },
            {"results": Field("array", required=True)},
            _shuffle,
        ),
        "RandomUuid": _uuid_type(uuid.uuid4),
        "RandomUuid4": _uuid_type(uuid.uuid4),
        "RandomUuid7": _uuid_type(uuid7),
    }.items()
}
