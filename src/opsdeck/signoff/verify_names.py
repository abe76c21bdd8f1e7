"""Whether those who signed are as many people as they are names, as far as that can be seen."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from opsdeck.signoff.allowed import Signers, allowed_lines
from opsdeck.signoff.gate import plain_name
from opsdeck.signoff.model import Signed
from opsdeck.signoff.verdict import Problem, bad, named, warn
from opsdeck.text import visible

_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
"""Scripts with letters that look like those of another of them."""
_LIKE = str.maketrans(
    "0і1lіïаеорсухѕԁһјԛԝкмтвнοανρτυκιϲⅼ|",
    "oiiiiiaeopcyxsdhjqwkmtbhoavptukiciı".replace("ı", "i"),
)
"""Small letters and digits, and the Latin one that each is taken for."""


def skeleton(name: str) -> str:
    """What a name looks like: two names with the same one are easily taken for one another."""
    return unicodedata.normalize("NFC", plain_name(name).translate(_LIKE))


def scripts(name: str) -> list[str]:
    """The scripts that the letters of a name are of, among those that look alike."""
    words = (unicodedata.name(c, "").partition(" ")[0] for c in name if c.isalpha())
    return sorted({word for word in words if word in _SCRIPTS})


def people_problems(found: Sequence[Signed], signers: Signers | None) -> Iterator[Problem]:
    """What of these signatures, all over one content, may be one person under two names, or one who
    is taken for another."""
    for number, one in enumerate(found):
        yield from _same_key(one, found[:number])
        yield from _alike(one, found[:number])
        for name in dict.fromkeys((one.by, one.identity)):
            if len(mixed := scripts(name)) > 1:
                said = f"{visible(name)!a} mixes letters of {' and '.join(map(str.title, mixed))}"
                yield warn("identity", named(one), f"{said}: see who that is")
    if signers is not None:
        yield from _like_others(found, signers)


def _same_key(one: Signed, before: Iterable[Signed]) -> Iterator[Problem]:
    for other in before:
        if one.by == other.by:
            continue
        whose = f"{other.role} {other.by}"
        if one.fingerprint and one.fingerprint == other.fingerprint:
            said = f"it is signed with the key of the {whose}: one person, two names"
        elif one.identity and one.identity == other.identity:
            said = f"it is signed as {one.identity}, like the {whose}: one person, two names"
        else:
            continue
        yield bad("roles", named(one), said)
        return


def _alike(one: Signed, before: Iterable[Signed]) -> Iterator[Problem]:
    for other in before:
        if one.by == other.by:
            continue
        whose = f"{other.by!a}, who signed as {other.role}"
        if plain_name(one.by) == plain_name(other.by):
            said = f"{one.by!a} is another spelling of {whose}: one name, twice"
            yield bad("roles", named(one), said)
            return
        if skeleton(one.by) == skeleton(other.by):
            said = f"{one.by!a} looks like {whose}: see whether these are two people"
            yield warn("identity", named(one), said)
            return


def _like_others(found: Iterable[Signed], signers: Signers) -> Iterator[Problem]:
    """Whoever signs as a principal that looks like another one of the same file."""
    known: dict[str, set[str]] = {}
    for line in allowed_lines(signers):
        for name in line.patterns.split(","):
            known.setdefault(skeleton(name), set()).add(name)
    for one in found:
        others = sorted(known.get(skeleton(one.identity), set()) - {one.identity})
        if one.identity and others:
            said = f"{one.identity!a} looks like {others[0]!a}, who is in allowed_signers too"
            yield warn("identity", named(one), f"{said}: see which of the two it is")
