"""Run ssh-keygen so that it can neither hang nor write on the screen, unless it may ask."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import termios
import tty
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from opsdeck.signoff.ssh_job import Job
from opsdeck.signoff.sshsig import SigningError
from opsdeck.text import visible

PROGRAM = "ssh-keygen"
MEMORY = Path("/dev/shm")
"""Where files take no disk, on Linux."""


class Done(NamedTuple):
    """How it ended; a negative exit code is the signal that ended it."""

    exit_code: int
    out: bytes
    said: str
    """What it wrote on standard error."""
    asked: bool = False
    """Whether it might ask on the terminal."""

    @property
    def reason(self) -> str:
        """What it said, as one short line."""
        lines = [line.strip() for line in self.said.splitlines()]
        kept = [line for line in lines if line and not line.startswith("@")]
        return visible("; ".join(kept))[:300] or f"it ended with {self.exit_code}"


def run(
    arguments: Sequence[str],
    data: bytes,
    environ: Mapping[str, str],
    timeout_s: float,
    *,
    terminal: bool = False,
) -> Done:
    """See one call of ssh-keygen to its end, with `data` as its input.

    With `terminal` it may ask on the controlling terminal, which it gets for as long as it runs,
    like a job of a shell; where there is none, or this program is in the background of it, it may
    not ask after all. Raises SigningError (no-ssh-keygen, timeout), and StoppedError of ssh_job;
    its whole group is gone then.
    """
    with _terminal() if terminal else contextlib.nullcontext() as handle:
        if handle is None:
            return _run_silently(arguments, data, _silent(environ), timeout_s)
        return _run_asking(arguments, data, _asking(environ), timeout_s, handle)


@contextlib.contextmanager
def private_files(files: Mapping[str, bytes], workdir: Path | None = None) -> Iterator[Path]:
    """A folder of the user's own with these files in it, for as long as it is needed.

    It is in `workdir`, else where TMPDIR says, else in memory, where no busy disk delays it.
    """
    folder = _new_folder(workdir)
    try:
        try:
            for name, content in files.items():
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                with open(os.open(folder / name, flags, 0o600), "wb") as out:
                    out.write(content)
        except OSError as error:
            raise _no_room(error) from error
        yield folder
    finally:
        with contextlib.suppress(OSError):
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()


def _new_folder(workdir: Path | None) -> Path:
    if workdir is None and not os.environ.get("TMPDIR"):
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix="opsdeck-", dir=MEMORY))
    try:
        return Path(tempfile.mkdtemp(prefix="opsdeck-", dir=workdir))  # mode 0700
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> SigningError:
    return SigningError(
        "failed",
        f"no temporary file could be written ({error.strerror or error}):"
        " see that TMPDIR, or /tmp, is a folder with room in it",
    )


def _silent(environ: Mapping[str, str]) -> dict[str, str]:
    """So that whatever would be asked gets no answer, at once."""
    never = {"SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force", "LC_ALL": "C"}
    # An ssh-keygen before 8.4 goes by DISPLAY, and would take the data for a passphrase.
    return {"DISPLAY": "none", **environ, **never}


def _asking(environ: Mapping[str, str]) -> dict[str, str]:
    """So that it asks on the terminal, not in a window on a display somewhere."""
    kept = {k: v for k, v in environ.items() if k not in ("SSH_ASKPASS", "DISPLAY")}
    return {**kept, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}


def _start(
    arguments: Sequence[str], environ: Mapping[str, str], *, group: int | None, stderr: int
) -> subprocess.Popen[bytes]:
    """Start it: in a session of its own, or in a process group of its own where `group` is 0."""
    try:
        return subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environ,
            bufsize=0,
            start_new_session=group is None,
            process_group=group,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        raise SigningError(
            "no-ssh-keygen",
            f"{PROGRAM} is not installed on this machine, or not on PATH: install OpenSSH's"
            " client tools (openssh-client, openssh-clients), version 8.9 or newer",
        ) from None
    except (OSError, ValueError) as error:
        said = visible(str(error))
        raise SigningError("failed", f"{PROGRAM} could not be started: {said}") from None


def _run_silently(
    arguments: Sequence[str], data: bytes, environ: Mapping[str, str], timeout_s: float
) -> Done:
    process = _start(arguments, environ, group=None, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        return _watched(Job(process, process.stderr.fileno()), process, data, timeout_s)
    finally:
        _end(process)


def _watched(job: Job, process: subprocess.Popen[bytes], data: bytes, timeout_s: float) -> Done:
    try:
        out, said = job.watch(data, timeout_s)
    except TimeoutError:
        raise _late(timeout_s) from None
    return Done(process.returncode, out, said.decode(errors="replace"))


def _late(timeout_s: float) -> SigningError:
    return SigningError(
        "timeout", f"{PROGRAM} did not end within {timeout_s:g} s and was stopped: try again"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of the group is left, and no pipe to it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


@contextlib.contextmanager
def _terminal() -> Iterator[int | None]:
    """The controlling terminal as it is given back; None where there is none to be given."""
    try:
        handle = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        if os.tcgetpgrp(handle) != os.getpgrp():
            yield None
            return
        before = termios.tcgetattr(handle)
        # In the background, as this program then is, touching the terminal would stop it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        try:
            yield handle
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
            with contextlib.suppress(OSError, termios.error):
                os.tcsetpgrp(handle, os.getpgrp())
                # What was typed for a question that is gone must not reach the app.
                termios.tcsetattr(handle, termios.TCSAFLUSH, before)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    finally:
        os.close(handle)


def _run_asking(
    arguments: Sequence[str],
    data: bytes,
    environ: Mapping[str, str],
    timeout_s: float,
    handle: int,
) -> Done:
    """Its errors go through a terminal of their own, since it speaks of a touch only to one, and
    from there to the real one."""
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        process = _start(arguments, environ, group=0, stderr=slave)
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
        with contextlib.suppress(OSError):
            os.tcsetpgrp(handle, process.pid)
            os.killpg(process.pid, signal.SIGCONT)
        done = _watched(Job(process, master, handle), process, data, timeout_s)
        return done._replace(asked=True)
    finally:
        _end(process)
        os.close(master)
