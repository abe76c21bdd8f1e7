"""A deck with a playbook of its own, and walks of it in a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pexpect

from tests.cli.conftest import CommandLine

PLAYBOOK = """\
+++
id = "own"
title = "Own playbook"
severity = "critical"
[variables]
port = "80"
+++
# Own playbook

## Look first

Prose that says what to look at, and goes on for so long that it must be wrapped by then.

- [ ] somebody was told
- [ ] nobody deploys

```sh name="Looks" risk="none"
echo looks at {{port}}
```

See [the end](#finish), [another](other.md) and [nowhere](nothing.md).

## Act

```sh name="Acts" risk="restarts it"
echo acted >> acted
```

```sh name="Restarts" confirm="restart"
echo restarted {{host}} >> acted
```

## Wait

```sh name="Waits"
echo begun; while [ ! -e let-go ]; do sleep 0.05; done; echo went on; exit 3
```

```sh name="Talks" interactive risk="none"
test -t 0 && echo "on a terminal"; read -r said; echo "heard $said"
```

```sh name="Serves" background risk="none"
echo serves; while :; do sleep 0.05; done
```

## Finish

Done.
"""
PROMPT = r"\d/4 (to do|doing|done|skipped|failed)> "


def earlier() -> str:
    """A time of day of half a day ago, which is past and not about to come, whatever time it is."""
    return f"{datetime.now(UTC) - timedelta(hours=12):%H:%M}"


def make_deck(opsdeck: CommandLine, playbook: str = PLAYBOOK, config: str = "") -> CommandLine:
    """`opsdeck` beside an `opsdeck.toml` and the playbooks `own` and `other`."""
    runbooks = opsdeck.folder / "runbooks"
    runbooks.mkdir(exist_ok=True)
    (opsdeck.folder / "opsdeck.toml").write_text(config, encoding="utf-8")
    (runbooks / "own.md").write_text(playbook, encoding="utf-8")
    (runbooks / "other.md").write_text("# Other\n\n## Only\n\nText.\n", encoding="utf-8")
    return opsdeck


def walk(opsdeck: CommandLine, *typed: str, options: tuple[str, ...] = ()) -> list[str]:
    """What a walk of `own` prints when this is typed into its pipe; it must end well."""
    stdin = "".join(f"{line}\n" for line in typed).encode()
    result = opsdeck(*options, "walk", "own", stdin=stdin)
    assert (result.code, result.err) == (0, "")
    return result.lines


def shown(opsdeck: CommandLine) -> Any:
    """The newest incident, as JSON."""
    identity = opsdeck.json("list", "incidents")[0]["id"]
    return opsdeck.json("incident", "show", identity)


def acted(opsdeck: CommandLine) -> str:
    """What the commands of the playbook did."""
    file = opsdeck.folder / "acted"
    return file.read_text(encoding="utf-8") if file.exists() else ""


@contextmanager
def terminal(
    opsdeck: CommandLine,
    *options: str,
    term: str = "dumb",
    command: tuple[str, ...] = ("walk", "own"),
) -> Iterator[Any]:
    """A command, else a walk of `own`, in a terminal of its own, of 80 columns."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "opsdeck", *options, *command],
        env={**opsdeck.environ, "TERM": term},
        cwd=str(opsdeck.folder),
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=30,
    )
    child.delaybeforesend = None
    try:
        yield child
    finally:
        child.close(force=True)


def typed(child: Any, line: str, then: str = PROMPT) -> str:
    """What came between a line that is typed and what is waited for then."""
    child.sendline(line)
    child.expect(then)
    return str(child.before)


def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    for _ in range(1_000):
        if condition():
            return
        time.sleep(0.03)
    raise AssertionError("it never came about")


def keepers(opsdeck: CommandLine) -> dict[str, int]:
    """Number of a command -> the process that watches over it."""
    found = {}
    for file in Path(opsdeck.home / "cache" / "commands").glob("*.json"):
        found[file.stem] = int(json.loads(file.read_text(encoding="utf-8"))["keeper"])
    return found
