"""Find, for what a re-import brings, the entries that are already there: so ids stay."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TypeVar

Old = TypeVar("Old")
New = TypeVar("New")

FUZZY_RATIO = 0.75
FUZZY_PAIRS = 250_000
"""The most pairs that one checklist's leftovers may make; beyond that texts must be equal."""
FUZZY_PAIRS_IN_ALL = 500_000

_CANDIDATES = 8
_MIN_OVERLAP = 0.3
_LONG_TEXT = 300
_GRAM_TEXT = 400
_USUAL_TEXT = 200


class Known(NamedTuple):
    """What identifies an item: on file already, or just imported."""

    id: str
    text: str
    group: tuple[str, ...]


class FuzzyBudget:
    """Bounds what comparing edited texts may cost in one merge, in pairs of usual texts."""

    def __init__(self, pairs: int = FUZZY_PAIRS_IN_ALL) -> None:
        self._left = pairs

    def grants(self, old: Sequence[str], new: Sequence[str]) -> bool:
        """Whether all these texts may be compared; what is granted is taken off."""
        pairs = len(old) * len(new)
        if not 0 < pairs <= FUZZY_PAIRS:
            return False
        mean_length = sum(map(len, new)) // len(new)
        cost = pairs * (1 + mean_length // _USUAL_TEXT)
        if cost > self._left:
            return False
        self._left -= cost
        return True


class Pairing:
    """Which old entry each new one is; every entry is used once at most."""

    def __init__(self, old_count: int, new_count: int) -> None:
        self.old_of: list[int | None] = [None] * new_count
        self._free_old = dict.fromkeys(range(old_count))

    def pair(self, new: int, old: int) -> None:
        """Say that they are the same."""
        self.old_of[new] = old
        del self._free_old[old]

    @property
    def free_old(self) -> list[int]:
        """Old entries that no new one has been found to be."""
        return list(self._free_old)

    @property
    def free_new(self) -> list[int]:
        """New entries that have not been found."""
        return [new for new, old in enumerate(self.old_of) if old is None]

    def by_key(
        self,
        old: Sequence[Old],
        new: Sequence[New],
        old_key: Callable[[Old], Hashable],
        new_key: Callable[[New], Hashable],
    ) -> None:
        """Pair what is still free and has equal keys, first with first; None is no key."""
        waiting: dict[Hashable, deque[int]] = {}
        for index in self._free_old:
            waiting.setdefault(old_key(old[index]), deque()).append(index)
        waiting.pop(None, None)
        for index in self.free_new:
            if found := waiting.get(new_key(new[index])):
                self.pair(index, found.popleft())


def match_items(old: Sequence[Known], new: Sequence[Known], budget: FuzzyBudget) -> Pairing:
    """Which items of one checklist are the same.

    First by equal text (where several are equal, by id and group too), then by id, then by
    the most alike texts among the leftovers, while `budget` lasts.
    """
    pairing = Pairing(len(old), len(new))
    keys: tuple[Callable[[Known], Hashable], ...] = (
        lambda known: known,
        lambda known: (known.text, known.group),
        lambda known: known.text,
        lambda known: known.id or None,
    )
    for key in keys:
        pairing.by_key(old, new, key, key)
    free_old, free_new = pairing.free_old, pairing.free_new
    old_texts, new_texts = [old[i].text for i in free_old], [new[i].text for i in free_new]
    if budget.grants(old_texts, new_texts):
        for o, n in alike(old_texts, new_texts):
            pairing.pair(free_new[n], free_old[o])
    return pairing


def alike(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (old, new) of texts that are edits of each other, each text in one pair at most."""
    old_grams = [_trigrams(text) for text in old]
    found: list[tuple[float, int, int]] = []
    for n, text in enumerate(new):
        grams = _trigrams(text)
        near = []
        for o, other in enumerate(old_grams):
            overlap = 2 * len(grams & other) / (len(grams) + len(other))
            if overlap >= _MIN_OVERLAP:
                near.append((-overlap, o))
        near.sort()
        for _, o in near[:_CANDIDATES]:
            ratio = similarity(old[o], text)
            if ratio >= FUZZY_RATIO:
                found.append((-ratio, n, o))
    found.sort()
    used_old: set[int] = set()
    used_new: set[int] = set()
    pairs = []
    for _, n, o in found:
        if n not in used_new and o not in used_old:
            used_new.add(n)
            used_old.add(o)
            pairs.append((o, n))
    return pairs


def similarity(one: str, other: str) -> float:
    """How alike two texts are, 0 to 1: by letters, or by words where that would take long."""
    if max(len(one), len(other)) > _LONG_TEXT:
        return SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio()
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < FUZZY_RATIO or matcher.quick_ratio() < FUZZY_RATIO:
        return 0.0
    return matcher.ratio()


def _trigrams(text: str) -> frozenset[str]:
    text = f" {text[:_GRAM_TEXT].casefold()} "
    return frozenset(text[i : i + 3] for i in range(max(1, len(text) - 2)))
