"""The fewest edits of a list of rules: compared with a search through all ways, and carried out on a list."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from providers._firewall.edits import plan, told

Rules = tuple[tuple[str, int], ...]

short = st.lists(st.sampled_from("abcdefg"), max_size=4)
distinct = st.lists(st.sampled_from("abcdefgh"), max_size=4, unique=True)
long = st.lists(st.sampled_from("abcdefghijklmnopqrst"), max_size=30)


def carried_out(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The list after the edits, each done as Proxmox does it."""
    now = list(before)
    for edit in plan(before, after).edits:
        if edit.deed == "insert":
            now.insert(0, after[edit.item])
        elif edit.deed == "move":
            rule = now.pop(edit.position)
            now.insert(edit.to - (edit.to > edit.position), rule)
        elif edit.deed == "change":
            now[edit.position] = after[edit.item]
        else:
            del now[edit.position]
    return now


def numbered(rules: Sequence[str]) -> Rules:
    """Equal rules told apart, the last one first."""
    return tuple((rule, rules[place + 1 :].count(rule)) for place, rule in enumerate(rules))


def one_call_on(now: Rules, stay: set[tuple[str, int]], come: set[tuple[str, int]]) -> Iterator[Rules]:
    """Every list that one call makes of a list; a rule that stays is neither removed nor made of another."""
    for new in come - set(now):
        yield (new, *now)
    for place, rule in enumerate(now):
        rest = now[:place] + now[place + 1 :]
        yield from ((*rest[:to], rule, *rest[to:]) for to in range(len(now)) if to != place)
        if rule not in stay:
            yield rest
            yield from ((*now[:place], new, *now[place + 1 :]) for new in come - set(now))


def fewest_calls(before: Sequence[str], after: Sequence[str]) -> int:
    """By trying all ways, the short ones first."""
    start, end = numbered(before), numbered(after)
    stay, come = set(start) & set(end), set(end) - set(start)
    calls, waiting = {start: 0}, deque([start])
    while end not in calls:
        now = waiting.popleft()
        for then in one_call_on(now, stay | set(end), come):
            if then not in calls:
                calls[then] = calls[now] + 1
                waiting.append(then)
    return calls[end]


@given(long, long)
def test_the_edits_make_the_wanted_list(before: list[str], after: list[str]) -> None:
    assert carried_out(before, after) == after


@given(distinct, distinct)
def test_no_way_takes_fewer_calls(before: list[str], after: list[str]) -> None:
    assert len(plan(before, after).edits) == fewest_calls(before, after)


@given(short, short)
def test_no_way_takes_fewer_calls_where_rules_are_repeated(before: list[str], after: list[str]) -> None:
    assert len(plan(before, after).edits) == fewest_calls(before, after)


@given(long)
def test_a_list_that_is_as_wanted_takes_no_call(rules: list[str]) -> None:
    assert plan(rules, rules).edits == []


@given(long)
def test_a_new_list_takes_one_call_for_each_rule(rules: list[str]) -> None:
    assert len(plan([], rules).edits) == len(plan(rules, []).edits) == len(rules)


def test_edits_are_told_by_the_positions_of_the_lists() -> None:
    assert told("abcdef", "xaycdbz") == "insert 1 at 0, move 4 to 2, change 2, move 1 to 5, change 6"
    assert told("abc", "xyzabc") == "insert 3 at 0"
    assert told("abcd", "acd") == "remove 1"
    assert told("abcdefghijklmnopq", "").endswith("and 5 more")
