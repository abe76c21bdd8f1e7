"""Commands of playbooks: made ready, run by a keeper of their own, heard of again after a drop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from opsdeck.catalog.playbook import Command
from opsdeck.errors import UsageError
from opsdeck.incidents.model import Outcome
from opsdeck.incidents.variables import filled, names_in, plainly_filled
from opsdeck.journal.files import file_mode, make_folder

KEPT_CHARACTERS = 16_000
"""How much of an output goes to the journal: its end."""
PANE_CHARACTERS = 262_144
"""How much of it is held for the screen."""

_KEEPER = Path(__file__).with_name("keeper.py")
_LONGEST_LINE = 4 << 20


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it would be run: variables filled in, nothing hidden."""

    name: str
    text: str
    shell: str
    cwd: Path
    env: dict[str, str]
    timeout_s: float | None
    confirm: str
    interactive: bool
    background: bool
    risk: str | None

    @property
    def argv(self) -> list[str]:
        """What is started."""
        return [self.shell, "-c", self.text]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended; `output` is the end of what it printed, not yet redacted: it must be
    before it is cut to KEPT_CHARACTERS, for half a secret is one too."""

    outcome: Outcome
    exit_code: int | None = None
    duration_s: float = 0.0
    output: str = ""
    output_bytes: int = 0
    reason: str = ""


# msgspec learns a type at its first use, and crashes where two threads teach it the same one at the
# same time: it knows this one from here on.
msgspec.json.Decoder(Ended)


class Printed(NamedTuple):
    """New output; `skipped` bytes before it came too fast to be shown."""

    text: str
    skipped: int
    total: int


def made_ready(
    command: Command, values: Mapping[str, str], folder: Path, text: str | None = None
) -> Ready:
    """The command with its variables filled in (or the operator's own `text` instead).

    `folder` is what a relative cwd is relative to. Raises UsageError for a value that is missing
    or must not stand where it would.
    """
    for each in (command.cwd, *command.env.values()):
        for name in names_in([each]):
            if name not in values:
                raise UsageError(f"{{{{{name}}}}} has no value yet: v gives it one")
    cwd = Path(plainly_filled(command.cwd, values)) if command.cwd else folder
    with contextlib.suppress(RuntimeError):  # nobody has that home: starting it will say so
        cwd = cwd.expanduser()
    return Ready(
        name=command.name,
        text=filled(command.text if text is None else text, values, command.shell),
        shell=command.shell,
        cwd=folder / cwd,
        env={key: plainly_filled(value, values) for key, value in command.env.items()},
        timeout_s=command.timeout_s,
        confirm=command.confirm,
        interactive=command.interactive,
        background=command.background,
        risk=command.risk,
    )


def new_number() -> str:
    """A name for one run of a command, never used before."""
    return secrets.token_hex(6)


class Running:
    """A command under way, and what it printed last."""

    def __init__(self, ready: Ready, number: str) -> None:
        self.ready = ready
        self.number = number
        self.text = ""
        self.total = 0
        self.cut = False
        """Whether the beginning of the output is no longer there."""
        self._done, self._line = "", ""
        """What stays as it is, and the line that is being printed and may rewrite itself."""
        self._process: asyncio.subprocess.Process | None = None
        self._told = False
        """Whether it is to be stopped, be it before it has begun."""

    def stop(self) -> None:
        """TERM to its whole group, KILL to those that are still there after five seconds."""
        self._told = True
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                process.stdin.write(b"stop\n")

    async def run(
        self,
        home: Path,
        environ: Mapping[str, str],
        known: Iterable[str] = (),
        on_output: Callable[[Printed], None] = lambda printed: None,
    ) -> Ended:
        """See it to its end. `known` are secrets that must not be kept.

        If this is cancelled, or the process dies, the command goes on; `heard_of` tells later.
        """
        folder = await asyncio.to_thread(make_folder, home, "cache", "commands")
        order = {
            "argv": self.ready.argv,
            "cwd": str(self.ready.cwd),
            "env": {**environ, **self.ready.env},
            "timeout_s": self.ready.timeout_s,
            "file": str(folder / f"{self.number}.json"),
            "mode": file_mode(home),
            "kept": KEPT_CHARACTERS,
            "package": str(Path(__file__).parents[2]),
            "secrets": list(known),
        }
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_KEEPER), self.number),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                limit=_LONGEST_LINE,
            )
            assert process.stdin is not None
            process.stdin.write(json.dumps(order).encode() + b"\n" + b"stop\n" * self._told)
        except (OSError, ValueError) as error:
            return Ended(outcome="not started", reason=str(error))
        try:
            ended = await self._heard(process, on_output)
        except asyncio.CancelledError:
            process._transport.close()  # type: ignore[attr-defined]  # so the keeper knows
            raise
        found = ended if ended is not None else heard_of(home, self.number)
        if found is None:
            found = Ended(outcome="unknown", reason="what watched over it is gone")
        return msgspec.structs.replace(found, output=self.text or found.output)

    async def _heard(
        self, process: asyncio.subprocess.Process, on_output: Callable[[Printed], None]
    ) -> Ended | None:
        """What the keeper says, to its last word; None where that never came."""
        assert process.stdout is not None
        ended: Ended | None = None
        while (said := await _said(process.stdout)) is not None:
            if "ended" in said:
                ended = msgspec.convert(said["ended"], Ended)
            elif "text" in said:
                self._took(said, on_output)
        with contextlib.suppress(ProcessLookupError):
            await process.wait()
        return ended

    def _took(self, said: dict[str, Any], on_output: Callable[[Printed], None]) -> None:
        if said["skipped"]:  # what comes now does not follow what came before
            self._done = self._line = ""
        lines, newline, self._line = (self._line + said["text"]).rpartition("\n")
        self._done += storable_output(lines + newline)
        whole = self._done + storable_output(self._line)
        self.cut |= said["skipped"] > 0 or len(whole) > PANE_CHARACTERS
        self._done, self._line = self._done[-PANE_CHARACTERS:], self._line[-PANE_CHARACTERS:]
        self.text, self.total = whole[-PANE_CHARACTERS:], said["total"]
        on_output(Printed(storable_output(said["text"]), said["skipped"], said["total"]))


async def _said(stream: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next thing that the keeper says; None once it says no more."""
    try:
        line = await stream.readline()
        found = json.loads(line) if line else None
    except (ValueError, OSError):
        return None
    return found if isinstance(found, dict) else None


def storable_output(text: str) -> str:
    """Output as it may be kept: valid Unicode, a progress line that rewrites itself as its last
    state."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def heard_of(home: Path, number: str) -> Ended | None:
    """How a command of a session that is gone ended; None while it runs still.

    `unknown` where nobody can tell: the machine was restarted, or its keeper killed.
    """
    unknown = Ended(outcome="unknown", reason="the session dropped while it ran")
    if not number.isalnum():
        return unknown
    try:
        found = json.loads((home / "cache" / "commands" / f"{number}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return unknown
    if not isinstance(found, dict):
        return unknown
    if found.get("state") == "running":
        return None if _holds(found) or _keeps(found.get("keeper"), number) else unknown
    try:
        ended = msgspec.convert(found, Ended)
    except msgspec.ValidationError:
        return unknown
    return msgspec.structs.replace(ended, output=storable_output(ended.output).strip())


def hold(home: Path, number: str) -> None:
    """Tell other sessions that this one is at it: what needs the terminal, or a database, has no
    keeper. `forget` ends that; so does the end of this process."""
    folder = make_folder(home, "cache", "commands")
    found = {"state": "running", "session": os.getpid(), "since": _since(os.getpid())}
    file, new = folder / f"{number}.json", folder / f"{number}.json.{os.getpid()}"
    with contextlib.suppress(OSError):  # then it is asked after once too often
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, file_mode(home))
        with open(fd, "w", encoding="utf-8") as out:
            json.dump(found, out)
        new.replace(file)


def _since(pid: int) -> str:
    """When a process began, in the system's own count; "" where nobody can tell, and of one that is
    dead and was not buried yet (in a container nobody may ever do that)."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if words[0] in "ZX" else words[19]
    except (OSError, IndexError):
        return ""


def _holds(found: Mapping[str, Any]) -> bool:
    """Whether the session that is at it is still there."""
    pid, since = found.get("session"), found.get("since")
    return type(pid) is int and bool(since) and _since(pid) == since


def stop_left(home: Path, number: str) -> bool:
    """Stop a command that a session which is gone had begun; False where it does not run here."""
    if not number.isalnum():
        return False
    try:
        found = json.loads((home / "cache" / "commands" / f"{number}.json").read_bytes())
        if found.get("state") != "running" or not _keeps(found.get("keeper"), number):
            return False
        os.kill(found["keeper"], signal.SIGTERM)
    except (OSError, ValueError, RecursionError, AttributeError):
        return False
    return True


def forget(home: Path, number: str) -> None:
    """How it ended stands in the journal: the keeper's file may go."""
    with contextlib.suppress(OSError):
        (home / "cache" / "commands" / f"{number}.json").unlink()


def _keeps(pid: Any, number: str) -> bool:
    """Whether a process is the keeper of this command, and still there."""
    if type(pid) is not int or pid <= 1:
        return False
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return words[1:3] == [b"-I", b"-S"] and words[4:] == [number.encode(), b""]
    except FileNotFoundError:
        pass
    except OSError:
        return False
    if Path("/proc/1").exists():
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def missing_programs(text: str, environ: Mapping[str, str]) -> list[str]:
    """Programs that a shell text starts and that this machine has not; a careful guess."""
    import shutil

    from opsdeck.incidents.programs import programs_in

    path = environ.get("PATH", os.defpath)
    return [name for name in programs_in(text) if shutil.which(name, path=path) is None]


def checked_edit(text: str) -> str:
    """A command that the operator wrote anew; raises UsageError for an empty one."""
    if not text.strip():
        raise UsageError("the command is empty: nothing would be run")
    return text
