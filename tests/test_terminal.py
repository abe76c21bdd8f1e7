"""Which terminals the app opens on, and with which glyphs."""

from __future__ import annotations

import io
import os
import pty
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from opsdeck.errors import UsageError
from opsdeck.terminal import check_terminal, locale_is_utf8, use_ascii


@contextmanager
def tty(**others: IO[str] | None) -> Iterator[None]:
    """All three streams are a terminal, except for `others`."""
    main, side = pty.openpty()
    with open(side, encoding="utf-8") as given, pytest.MonkeyPatch.context() as patch:
        for name in ("stdin", "stdout", "stderr"):
            patch.setattr(sys, name, others.get(name, given))
        yield
    os.close(main)


@pytest.mark.parametrize("term", ["xterm-256color", "screen", "linux", "vt100"])
def test_a_terminal_is_taken(term: str) -> None:
    with tty():
        check_terminal({"TERM": term})


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": ""}, {}, {"TERM": "unknown"}])
def test_a_terminal_that_can_show_nothing_is_refused(environ: dict[str, str]) -> None:
    match = r"can show no screens; .*opsdeck list"
    with tty(), pytest.raises(UsageError, match=match) as caught:
        check_terminal(environ)
    assert caught.value.exit_code == 64


@pytest.mark.parametrize("stream", [io.StringIO(), None])
@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_without_a_terminal_it_is_refused(name: str, stream: IO[str] | None) -> None:
    with tty(**{name: stream}), pytest.raises(UsageError, match="needs a terminal"):
        check_terminal({"TERM": "xterm"})


@pytest.mark.parametrize(
    ("environ", "utf8"),
    [
        ({"LANG": "en_GB.UTF-8"}, True),
        ({"LANG": "C.utf8"}, True),
        ({"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, False),
        ({"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "POSIX"}, False),
        ({}, False),
    ],
)
def test_the_locale_says_what_the_terminal_understands(environ: dict[str, str], utf8: bool) -> None:
    assert locale_is_utf8(environ) is utf8
    assert use_ascii(environ, "auto") is not utf8
    assert use_ascii(environ, "ascii") is True
    assert use_ascii(environ, "unicode") is False
