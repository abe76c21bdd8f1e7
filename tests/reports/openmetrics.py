"""A small strict reader of metrics as text, after the OpenMetrics 1.0 specification."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}


class Sample(NamedTuple):
    """One line: a family's name, its labels and its value."""

    name: str
    labels: dict[str, str]
    value: float


def read_metrics(text: str) -> list[Sample]:
    """All samples; fails where the text is not as it must be."""
    assert text.endswith("# EOF\n")
    samples: list[Sample] = []
    families: dict[str, set[str]] = {}
    current = ""
    for line in text.removesuffix("# EOF\n").splitlines():
        if line.startswith("# "):
            _, word, name, about = line.split(" ", 3)
            assert word in ("HELP", "TYPE"), line
            assert re.fullmatch(_NAME, name), line
            assert word == "HELP" or about == "gauge", line
            if name != current:
                assert name not in families, f"{name} comes twice"
                current, families[name] = name, set()
            assert word not in families[name], f"{name} has two of {word}"
            families[name].add(word)
            continue
        sample = _sample(line)
        assert sample.name == current, f"{line} stands outside of its family"
        assert families[current] == {"HELP", "TYPE"}
        samples.append(sample)
    keys = [(s.name, tuple(sorted(s.labels.items()))) for s in samples]
    assert len(set(keys)) == len(keys), "a sample comes twice"
    return samples


def _sample(line: str) -> Sample:
    found = _SAMPLE.fullmatch(line)
    assert found, line
    labels: dict[str, str] = {}
    rest = found[2] or ""
    while rest:
        pair = _PAIR.match(rest)
        assert pair, rest
        assert pair[1] not in labels
        labels[pair[1]] = re.sub(r"\\.", lambda m: _ESCAPES[m[0]], pair[2])
        rest = rest[pair.end() :]
    value = float(found[3])
    assert math.isfinite(value), line
    return Sample(found[1], labels, value)
