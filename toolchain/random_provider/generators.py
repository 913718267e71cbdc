"""Makes the random values; without a seed always from the operating system's cryptographic source."""

from __future__ import annotations

import random
import secrets
import string
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from toolchain.random_provider.words import ADJECTIVES, ADVERBS, ANIMALS

SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
_ADJECTIVE_AND_ANIMAL = 2


@dataclass(frozen=True)
class CharacterClass:
    """One kind of character of a random string: whether it may appear, and how often it has to."""

    characters: str
    allowed: bool
    at_least: int


def random_string(length: int, classes: Sequence[CharacterClass]) -> str:
    """Make a string that has the least number of each class, the rest from all allowed ones, in random order."""
    allowed = "".join(each.characters for each in classes if each.allowed)
    result = [secrets.choice(each.characters) for each in classes for _ in range(each.at_least)]
    result += [secrets.choice(allowed) for _ in range(length - len(result))]
    secrets.SystemRandom().shuffle(result)
    return "".join(result)


def character_classes(
    lower: tuple[bool, int], upper: tuple[bool, int], numeric: tuple[bool, int], special: tuple[bool, int], own: str
) -> list[CharacterClass]:
    """Combine the switches and the least numbers of the four classes; `own` replaces the special characters."""
    return [
        CharacterClass(string.ascii_lowercase, *lower),
        CharacterClass(string.ascii_uppercase, *upper),
        CharacterClass(string.digits, *numeric),
        CharacterClass(own or SPECIAL, *special),
    ]


def source(seed: str) -> random.Random:
    """Return the source of numbers: reproducible for a seed, cryptographic without one."""
    if seed:
        return random.Random(seed)  # noqa: S311 - a seed asks for values that can be reproduced
    return secrets.SystemRandom()


def random_integer(minimum: int, maximum: int, seed: str) -> int:
    """Pick a number between the two bounds, both included."""
    return source(seed).randint(minimum, maximum)


def shuffled(items: Sequence[str], count: int, seed: str) -> list[str]:
    """Return `count` items in random order; more than there are means one permutation after another."""
    numbers = source(seed)
    result: list[str] = []
    while items and len(result) < count:
        result += numbers.sample(items, len(items))
    return result[:count]


def pet_name(length: int, prefix: str, separator: str) -> str:
    """Make a name of `length` words: an animal, with an adjective, with adverbs before that."""
    words = [secrets.choice(ADVERBS) for _ in range(length - _ADJECTIVE_AND_ANIMAL)]
    if length >= _ADJECTIVE_AND_ANIMAL:
        words.append(secrets.choice(ADJECTIVES))
    words.append(secrets.choice(ANIMALS))
    return separator.join([prefix, *words] if prefix else words)


def uuid7() -> str:
    """Make a UUID of version 7: milliseconds since 1970, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=bits))
