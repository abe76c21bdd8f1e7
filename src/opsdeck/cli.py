"""The command line's door: the app when no command is named, else the command.

Neither Click nor Textual is imported before it is known which of them is needed.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn, TextIO

from opsdeck.errors import OpsDeckError
from opsdeck.text import ascii_only, visible

COMPLETE_VARIABLE = "_OPSDECK_COMPLETE"
"""Set by the shell's completion script: what is asked then is no command."""

EXIT_INTERNAL = 70
EXIT_IO = 74
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141

READ_ONLY = "--read-only"
_APP_OPTIONS = ("--config", "--operator")
_LISTS = ("checklists", "items", "runs")


class AppOptions(NamedTuple):
    """What `opsdeck` without a command was told about the deck to open."""

    config_file: Path | None = None
    operator: str | None = None
    read_only: bool = False


class PlainList(NamedTuple):
    """A `list` command in its simplest form."""

    kind: str
    words: tuple[str, ...]
    as_json: bool


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `opsdeck` with these arguments (None: the process's own) and end the process."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run `opsdeck` with these arguments; the exit status. Errors are told on stderr."""
    _open_missing_streams()
    code = _guarded(lambda: _dispatch(list(arguments)))
    return _guarded(_flush) or code


def _guarded(action: Callable[[], int]) -> int:
    try:
        return action()
    except KeyboardInterrupt:
        return _closed(EXIT_INTERRUPTED)
    except BrokenPipeError:
        return _closed(EXIT_PIPE_CLOSED)
    except OpsDeckError as error:
        return _failed(str(error), error.exit_code)
    except OSError as error:
        return _closed(_failed_outside(error))
    except Exception as error:  # the last resort: a mistake of the program itself
        return _failed_inside(error)


def _open_missing_streams() -> None:
    """A stream that the caller closed goes nowhere, rather than into the next file opened."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open to the very end
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _flush() -> int:
    sys.stdout.flush()
    return 0


def app_options(arguments: Sequence[str]) -> AppOptions | None:
    """The options of the app; None when anything else is asked for, be it a mistake."""
    values: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        option, equals, value = rest.pop(0).partition("=")
        if option == READ_ONLY and not equals:
            values[option] = option
            continue
        if option not in _APP_OPTIONS or (not equals and not rest):
            return None
        values[option] = value if equals else rest.pop(0)
    config_file = values.get("--config")
    named = Path(config_file) if config_file else None
    return AppOptions(named, values.get("--operator"), READ_ONLY in values)


def plain_list(arguments: Sequence[str]) -> PlainList | None:
    """What `list` should show when it has no option but `--json`; None for anything else."""
    if len(arguments) < 2 or arguments[0] != "list" or arguments[1] not in _LISTS:
        return None
    words = [word for word in arguments[2:] if word != "--json"]
    if any(word.startswith("-") for word in words) or (words and arguments[1] != "items"):
        return None
    return PlainList(arguments[1], tuple(words), "--json" in arguments)


def _dispatch(arguments: list[str]) -> int:
    if os.environ.get(COMPLETE_VARIABLE):
        return _run_command(arguments)
    listed = plain_list(arguments)
    if listed is not None:
        return _show_list(listed)
    options = app_options(arguments)
    if options is None:
        return _run_command(arguments)
    # Textual paints at most so often; what a key changed should not wait for the next turn.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from opsdeck.app import run_app

    return run_app(
        environ=os.environ,
        cwd=_working_folder(),
        config_file=options.config_file,
        operator=options.operator,
        read_only=options.read_only,
    )


def _run_command(arguments: list[str]) -> int:
    from opsdeck.commands.root import run_command

    return run_command(arguments, COMPLETE_VARIABLE)


def _show_list(listed: PlainList) -> int:
    """The lists that scripts ask for again and again: without Click it takes a quarter less."""
    gc.disable()  # nothing that a list needs is a cycle, and it is over in no time
    try:
        _show(listed)
    finally:
        gc.enable()
    return 0


def _show(listed: PlainList) -> None:
    from opsdeck.commands.door import open_door
    from opsdeck.commands.showing import show_checklists, show_items, show_runs

    door = open_door()
    match listed.kind:
        case "checklists":
            show_checklists(door, as_json=listed.as_json)
        case "items":
            show_items(door, listed.words, as_json=listed.as_json)
        case _:
            show_runs(door, as_json=listed.as_json)


def _working_folder() -> Path:
    """Where the process is; `/` when that folder was deleted under it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")


def _failed(message: str, code: int) -> int:
    _complain(f"opsdeck: {message}")
    return code


def _failed_outside(error: OSError) -> int:
    """A file or stream failed where no command expected it."""
    if _debugging():
        _traceback()
    named = error.filename is not None
    place = os.fsdecode(error.filename) if named else "the output could not be written"
    return _failed(f"{place}: {error.strerror or error}", EXIT_IO)


def _failed_inside(error: Exception) -> int:
    if _debugging():
        _traceback()
        return EXIT_INTERNAL
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    _complain(
        f"opsdeck: internal error{_where(error)}: {' '.join(what.split())[:500]}; please report it"
        " with what the same command prints after OPSDECK_DEBUG=1"
    )
    return EXIT_INTERNAL


def _debugging() -> bool:
    return os.environ.get("OPSDECK_DEBUG", "") not in ("", "0")


def _traceback() -> None:
    import traceback

    traceback.print_exc()


def _where(error: Exception) -> str:
    """` in FILE:LINE`: the last place of this package that the error came through."""
    here, found = Path(__file__).parent, ""
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(here):
            found = f" in {file.relative_to(here)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _complain(message: str) -> None:
    stream = sys.stderr
    text = "\n".join(visible(line) for line in message.split("\n"))
    try:
        stream.write(_writable(text, stream) + "\n")
        stream.flush()
    except (OSError, ValueError):
        return  # nobody can be told


def _writable(text: str, stream: TextIO) -> str:
    try:
        text.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return ascii_only(text)
    return text


def _closed(code: int) -> int:
    """Nothing more can be said on stdout: what is still buffered must not fail at exit."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, sys.stdout.fileno())
        finally:
            os.close(null)
    except (OSError, ValueError):
        return code
    return code
