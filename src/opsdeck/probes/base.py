"""What a kind of probe is made of, and what it is given.

A kind is one module in `opsdeck.probes.kinds`, named as in `probe = { kind = "..." }`. It has

- `ABOUT`: one line for people;
- `TARGETS`: the kinds of target it looks at (empty: it needs none);
- `PARAMETERS`: what may stand beside `kind` and `target`, as `{name: Parameter}`;
- `async def look(target, parameters, timeout_s) -> Document`;
- optionally `problems(parameters)`: what cannot be right however the target is;
- optionally `consent(parameters)`: what the operator must agree to before it is done.

At import a kind costs next to nothing: clients (httpx, pymongo, boto3) are imported by `look`,
through `opsdeck.probes.blocking`, never on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

Document = dict[str, Any]
"""JSON-like: dicts with string keys, lists, strings, finite numbers, booleans, None."""

DEFAULT_TIMEOUT_S = 5.0

Cause = Literal[
    "offline",
    "dns",
    "refused",
    "timeout",
    "unreachable",
    "tls",
    "auth",
    "rights",
    "throttled",
    "missing",
    "protocol",
    "untrusted",
    "internal",
]
"""Why a probe could not look: `missing` is something to be configured or installed here,
`protocol` an answer that makes no sense, `untrusted` an act nobody agreed to."""

CUT_OFF: frozenset[Cause] = frozenset({"dns", "timeout", "unreachable"})
"""The causes that a machine without a network would meet as well."""

ANSWERED: frozenset[Cause] = frozenset({"refused", "tls", "protocol"})
"""The causes in which the far end was there and said no."""

Resource = TypeVar("Resource")


class ProbeError(Exception):
    """The probe could not look. The message says what, where and what to do, without secrets."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause: Cause = cause


class Consent(NamedTuple):
    """What must be agreed to before a probe is carried out.

    `kind` is `command` (something is run: asked once for exactly this), `change` (the request may
    change the target: asked each time) or `burst` (many requests: only when asked for by name).
    """

    kind: Literal["command", "change", "burst"]
    text: str
    """What would be done, as the operator should read it."""


class Parameter(NamedTuple):
    """One parameter of a kind: `types` are those of TOML; `choices` limits a string."""

    types: tuple[type, ...]
    about: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()


class Facts(Protocol):
    """What OpsDeck itself knows, for the kind that looks at runs."""

    def run_facts(self, run: str, item: str | None) -> Document | None:
        """How a run (CHECKLIST for the current one, or a run key), or an item in it, stands;
        None when there is no such run or item."""


class Kind(Protocol):
    """A module in `opsdeck.probes.kinds`; `problems` and `consent` may be absent."""

    ABOUT: str
    TARGETS: tuple[str, ...]
    PARAMETERS: dict[str, Parameter]

    async def look(
        self, target: Target, parameters: Mapping[str, Any], timeout_s: float
    ) -> Document:
        """Look once; raises ProbeError when it cannot."""


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


OPEN_KEYS = frozenset(
    {"kind", "region", "profile", "path", "host", "port", "database", "ca", "health_path"}
)
"""Keys of a target whose values are no secrets, even where a variable gives them."""


class Target:
    """A thing the team runs, as a probe meets it: its table with `${VARIABLES}` filled in.

    `folder` is that of `opsdeck.toml`, for relative paths. Values of variables and what kinds
    `hide` are secret: they are blotted out of everything that is kept. Clients that several looks
    use are `shared` and closed with the target.
    """

    def __init__(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        facts: Facts | None = None,
    ) -> None:
        self.name = name
        self.environ = os.environ if environ is None else environ
        self.folder = Path.cwd() if folder is None else folder
        self.facts = facts
        self.secrets: set[str] = set()
        self.raw = dict(values)
        self._values: dict[str, Any] | None = None
        self._shared: dict[str, asyncio.Task[Any]] = {}
        self._closers: list[Callable[[], Awaitable[None]]] = []

    @property
    def kind(self) -> str:
        """The kind of target; "" for the target that is none."""
        return str(self.raw.get("kind", ""))

    @property
    def values(self) -> dict[str, Any]:
        """The table with its variables filled in; raises ProbeError for one that is not set."""
        if self._values is None:
            self._values = {
                key: self.filled(value, secret=key not in OPEN_KEYS)
                for key, value in self.raw.items()
            }
        return self._values

    def filled(self, value: Any, *, secret: bool = True) -> Any:
        """A value with `${VARIABLES}` replaced, at any depth; what they hold is `secret`."""
        if isinstance(value, str):
            return _VARIABLE.sub(lambda match: self._variable(match[1], secret), value)
        if isinstance(value, Mapping):
            return {key: self.filled(inner, secret=secret) for key, inner in value.items()}
        if isinstance(value, Sequence):
            return [self.filled(inner, secret=secret) for inner in value]
        return value

    def _variable(self, name: str, secret: bool) -> str:
        found = self.environ.get(name)
        if not found:
            where = f"target {self.name}" if self.name else "this probe"
            raise ProbeError(
                "missing", f"the variable {name} is not set, and {where} needs it: export it"
            )
        if secret:
            self.hide(found)
        return found

    def text(self, key: str) -> str:
        """A string that the target must have; raises ProbeError where it has not."""
        found = self.values.get(key)
        if not isinstance(found, str) or not found.strip():
            raise ProbeError(
                "missing", f"target {self.name} has no {key}; add it to [targets.{self.name}]"
            )
        return found.strip()

    def hide(self, secret: str) -> None:
        """Keep this out of everything that is shown or stored."""
        if secret:
            self.secrets.add(secret)

    def path(self, text: str) -> Path:
        """A path as the target means it: below its `path`, which is relative to `folder`."""
        base = self.raw.get("path")
        root = self.folder / Path(self.filled(base)).expanduser() if base else self.folder
        return root / Path(text).expanduser()

    async def shared(self, key: str, make: Callable[[], Awaitable[Resource]]) -> Resource:
        """The same resource for every look at this target, made by the first that asks.

        One asker being cancelled does not take it from the others; a failed making is not kept.
        """
        task = self._shared.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._shared[key] = asyncio.ensure_future(make())
            task.add_done_callback(_retrieved)
        found: Resource = await asyncio.shield(task)
        return found

    def on_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call this when the target is no longer looked at."""
        self._closers.append(close)

    async def aclose(self) -> None:
        """Close what was shared; nothing that goes wrong then matters any more."""
        for task in self._shared.values():
            task.cancel()
        self._shared.clear()
        closers, self._closers = self._closers, []
        for close in closers:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await close()


def _retrieved(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
