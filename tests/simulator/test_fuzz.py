"""Whatever is sent to whatever method, the answer is Proxmox's kind of refusal, and a refusal changes nothing.

Each parameter of each method is sent every hostile value while the others fit, so that the value reaches the code
behind the parameter check wherever that lets it through.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.errors import ApiError
from simulator.routing import ROUTES, Route
from simulator.schema import Param
from tests.simulator import returning
from tests.simulator.hostile import HUGE, LISTS, TEXTS, WRONG_TYPES, familiar, named_in_path
from tests.simulator.populated import Populated

ENCODED = ("comment", "consent-text", "description", "firstname", "keyring", "lastname", "notes", "password", "text")
"""What files hold encoded, or as text of its own."""
STATUSES = {400, 401, 403, 404, 500, 501, 595}


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Populated]:
    made = Populated.open(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.close()


def _calls(route: Route) -> Iterator[dict[str, Any]]:
    """Yield calls of a method in which one parameter is wrong, or unknown, or missing."""
    for params in _variants(route):
        fitting = {name: familiar(name, param) for name, param in params.items() if not param.optional}
        yield fitting | {"bogus": "1"}
        for name, param in params.items():
            yield {other: value for other, value in fitting.items() if other != name}
            for value in (*TEXTS, *WRONG_TYPES, *(LISTS if param.type != "array" else ([*TEXTS],))):
                yield fitting | {name: value}


def _variants(route: Route) -> Iterator[Mapping[str, Param]]:
    """Yield the parameters of each form of a method; of numbered ones the first stands for all."""
    for variant in route.variants.values() or ({},):
        merged = {**route.params, **variant}
        yield {name.replace("[n]", "0"): param for name, param in merged.items()}


def _ask(populated: Populated, route: Route, values: dict[str, Any]) -> None:
    """Make a call; insist on an answer that can be written down, or on a refusal after which all is as before."""
    path, rest = named_in_path(route.path, values)
    before = populated.changes()
    try:
        answer = populated.call(route.method, path, rest)
    except ApiError as error:
        refusal = error
    else:
        assert not returning.unexplained(route.method, path, answer)
        _check_answer(populated, answer)
        populated.restore()
        return
    assert refusal.status in STATUSES, refusal
    refusal.message.encode()
    assert populated.changes() == before, "a refused call wrote something"


def _check_answer(populated: Populated, answer: Any) -> None:
    """Insist on an answer that can be written down, on tasks without internal errors, and on files that stay whole."""
    json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    broken = [task.exitstatus for task in populated.tasks() if "simulator error" in (task.exitstatus or "")]
    assert not broken
    assert not list(_line_feeds(populated.picture())), "a value became lines of a file"


def _line_feeds(value: Any, name: str = "") -> Iterator[str]:
    """Yield the names of values with line feeds among those that are kept as one line of a file."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _line_feeds(item, value.get("name", "") if key == "value" else key)
    elif isinstance(value, list):
        for item in value:
            yield from _line_feeds(item, name)
    elif name not in ENCODED and isinstance(value, str) and "evil" in value and ("\n" in value or "\r" in value):
        yield name


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_method_answers_hostile_values_and_changes_nothing_when_it_refuses(
    populated: Populated, route: Route
) -> None:
    populated.restore()
    before = populated.picture()
    for values in _calls(route):
        try:
            _ask(populated, route, values)
        except Exception as error:
            error.add_note(f"{route.method} {route.path} with {str(values)[:2000]}")
            raise
    assert populated.picture() == before


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_method_answers_huge_values_quickly(populated: Populated, route: Route) -> None:
    populated.restore()
    for params in _variants(route):
        fitting = {name: familiar(name, param) for name, param in params.items() if not param.optional}
        for value in HUGE:
            _ask(populated, route, fitting | dict.fromkeys((name for name in params if name != "node"), value))


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_method_answers_any_mixture_of_values(populated: Populated, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(ROUTES))
    params = data.draw(st.sampled_from(list(_variants(route))))
    populated.restore()
    values = {
        name: familiar(name, param) if data.draw(st.booleans()) else data.draw(_ANY)
        for name, param in params.items()
        if not param.optional or data.draw(st.booleans())
    }
    _ask(populated, route, values)
