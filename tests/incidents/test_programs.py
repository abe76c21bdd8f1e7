"""Which programs a command starts: a guess that costs no more than the text is long."""

from __future__ import annotations

import shlex

import pytest

from opsdeck.incidents.programs import LONGEST_READ, programs_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kubectl get pods | grep web && helm list", ["kubectl", "grep", "helm"]),
        ("A=1 make all; echo done", ["make"]),
        ("$x now; `whoami`", []),
        ("up() { curl web; }\nup", ["curl"]),
        ("cat <<END | tee x\nrm -rf /\nEND\nls", ["cat", "ls"]),
        ("cat <<-'A'\n\tb\n\tA\ncat <<B\nA\nB\nps", ["cat", "ps"]),
        # One that never ends is none, and what stands in it may be run
        ("cat <<END\nuptime", ["cat", "uptime"]),
        ("x <<NEVER <<END\nfree\nEND\nps", ["x", "ps"]),
        ("cat <<<word\nps", ["cat", "ps"]),
    ],
)
def test_what_is_started(text: str, found: list[str]) -> None:
    assert programs_in(text) == found


def test_of_a_long_text_its_first_lines_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN how much the lexer is given, which takes a square of that where it is one word
    given: list[int] = []
    real = shlex.shlex

    def counting(text: str, **options: object) -> shlex.shlex:
        given.append(len(text))
        return real(text, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(shlex, "shlex", counting)
    assert programs_in("ps\n" + "true\n" * 10_000 + "late") == ["ps"]
    assert programs_in("echo '" + "x" * 4_000_000 + "'") == []
    assert programs_in("ps\necho '" + "x y" * 1_000_000 + "'\nls") == ["ps"]
    assert max(given) < 2 * LONGEST_READ
