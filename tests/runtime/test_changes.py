"""What has to be done to an object so that it is as declared, and nothing more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from providers._runtime.model import Changes, Values, as_declared, canonical, changes
from tests.runtime.sample import CONFIG, SampleInputs


def todo(before: Values, actual: Values, wanted: Values) -> Changes:
    """The changes of a sample."""
    return changes(SampleInputs, before, actual, wanted)


def applied(actual: Values, done: Changes) -> Values:
    """An object after its changes."""
    after = {name: dict(value) if isinstance(value, dict) else value for name, value in actual.items()}
    for name, value in done.set.items():
        after[name] = {**after.get(name, {}), **value} if name == "net" else value
    for name in done.cleared:
        after.pop(name, None)
    for name, slots in done.dropped.items():
        for slot in slots:
            del after[name][slot]
    return {name: value for name, value in after.items() if value != {}}


def shape(values: Values) -> Values:
    """Canonical values."""
    return canonical(SampleInputs, values, frozenset())[0]


CANONICAL = CONFIG.map(shape)


@given(CANONICAL, CANONICAL, CANONICAL)
def test_after_the_changes_there_is_nothing_to_do(owned: Values, actual: Values, wanted: Values) -> None:
    before = as_declared(SampleInputs, owned, actual)

    after = applied(actual, todo(before, actual, wanted))

    assert not todo(wanted, after, wanted)
    shown = as_declared(SampleInputs, wanted, after)
    foreign = set(shown.get("net", {})) - set(wanted.get("net", {}))
    assert not foreign & set(before.get("net", {})), "a slot that was seen and is not declared is taken away"
    net = {"net": {slot: nic for slot, nic in shown["net"].items() if slot not in foreign}} if "net" in shown else {}
    assert {**shown, **net} == wanted


@given(CANONICAL, CANONICAL)
def test_what_nobody_declared_is_left_alone(actual: Values, wanted: Values) -> None:
    after = applied(actual, todo({}, actual, wanted))

    assert {name: value for name, value in after.items() if name not in wanted} == {
        name: value for name, value in actual.items() if name not in wanted
    }


@given(CANONICAL)
def test_what_is_as_declared_needs_no_change(values: Values) -> None:
    assert not todo({}, values, values)
    assert todo({}, values, values).names() == []


def test_a_changed_value_is_set_and_one_given_up_is_cleared() -> None:
    done = todo({"memory": 512, "pin": "1"}, {"memory": 512, "pin": "1", "mode": "fast"}, {"memory": 1024})

    assert (done.set, done.cleared, done.dropped) == ({"memory": 1024}, ["pin"], {})
    assert done.names() == ["memory", "pin"]


def test_what_is_given_up_and_gone_already_is_not_cleared_again() -> None:
    assert not todo({"pin": "1"}, {}, {})


def test_a_secret_that_is_given_up_is_cleared_although_it_can_not_be_seen() -> None:
    assert todo({"password": "old"}, {}, {}).cleared == ["password"]


def test_a_secret_is_written_when_it_is_another_one() -> None:
    assert todo({"password": "old"}, {}, {"password": "new"}).set == {"password": "new"}
    assert todo({}, {}, {"password": "new"}).set == {"password": "new"}
    assert not todo({"password": "same"}, {}, {"password": "same"})


def test_a_field_left_out_by_the_server_is_compared_by_its_default() -> None:
    assert not todo({}, {}, {"onboot": False})
    assert todo({}, {}, {"onboot": True}).set == {"onboot": True}
    nets = {"net": {"net0": {"bridge": "vmbr0"}}}
    assert not todo({}, nets, {"net": {"net0": {"bridge": "vmbr0", "firewall": False}}})


def test_what_can_not_be_changed_or_is_no_parameter_is_never_a_change() -> None:
    assert not todo({}, {"name": "it"}, {"name": "other", "replace_allowed": True, "adopt": "required"})


def test_a_changed_slot_keeps_the_keys_that_are_the_servers() -> None:
    there = {"bridge": "vmbr0", "mtu": 9000, "brand-new": "7"}
    done = todo({}, {"net": {"net0": there}}, {"net": {"net0": {"bridge": "vmbr1"}}})

    assert done.set == {"net": {"net0": {"bridge": "vmbr1", "mtu": 9000, "brand-new": "7"}}}


def test_a_key_that_is_given_up_leaves_its_slot() -> None:
    there = {"net0": {"bridge": "vmbr0", "mtu": 9000}}
    done = todo({"net": there}, {"net": there}, {"net": {"net0": {"bridge": "vmbr0"}}})

    assert done.set == {"net": {"net0": {"bridge": "vmbr0"}}}


def test_only_the_slots_that_differ_are_written_and_the_others_dropped() -> None:
    actual = {"net": {"net0": {"bridge": "a"}, "net1": {"bridge": "b"}, "net2": {"bridge": "c"}}}
    done = todo(actual, actual, {"net": {"net0": {"bridge": "a"}, "net1": {"bridge": "x"}}})

    assert (done.set, done.dropped) == ({"net": {"net1": {"bridge": "x"}}}, {"net": ["net2"]})


def test_a_map_that_is_declared_no_longer_gives_up_its_own_slots_only() -> None:
    actual = {"net": {"net0": {"bridge": "a"}, "net1": {"bridge": "b"}}}

    assert todo({"net": {"net0": {"bridge": "a"}}}, actual, {}).dropped == {"net": ["net0"]}


def test_a_text_that_can_not_be_taken_apart_is_replaced_whole() -> None:
    done = todo({}, {"startup": "any", "net": {"net0": "a,b"}}, {"startup": {"order": 1}, "net": {"net0": {"mtu": 1}}})

    assert done.set == {"startup": {"order": 1}, "net": {"net0": {"mtu": 1}}}


@given(st.sampled_from(["started", "memory"]), CANONICAL)
def test_an_action_is_a_change_like_any_other(name: str, actual: Values) -> None:
    wanted = {"started": True} if name == "started" else {"memory": 16}

    assert todo({}, actual, wanted).set == wanted
