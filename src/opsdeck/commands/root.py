"""The root command: it knows every command's name and help, and imports none it does not run."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import NoReturn

import click

from opsdeck import __version__
from opsdeck.commands.door import open_door
from opsdeck.commands.groups import HelpfulGroup
from opsdeck.errors import UsageError

COMMANDS: dict[str, tuple[str, str]] = {
    "glance": ("glance", "How everything is, on one screen."),
    "list": ("listing", "Checklists, items, runs, gauges, playbooks and incidents."),
    "attest": ("acting", "Give your word that items are done."),
    "reopen": ("acting", "Take back what was said of items."),
    "note": ("acting", "Leave a note beside items."),
    "skip": ("acting", "Pass over the next item of a read-do list, with a reason."),
    "waive": ("acting", "Say that items need not hold until a date."),
    "override": ("acting", "Go on although items do not hold."),
    "defer": ("acting", "Put items off."),
    "unuse": ("acting", "Say that the team does not use what items are about."),
    "undo": ("acting", "Take back your own newest act in a run."),
    "check": ("checking", "Have probes look at items now, and judge them."),
    "release": ("releasing", "Start, list and show releases."),
    "signoff": ("signoff", "Sign a release, verify that, hand it on as a bundle."),
    "incident": ("incidents", "Start, follow and close incidents."),
    "walk": ("walk", "Walk a playbook, step by step, at a prompt."),
    "report": ("reporting", "A run, a release or an incident as Markdown, HTML, JSON or CSV."),
    "journal": ("journal", "Verify, follow and export the journal."),
    "import": ("importing", "GitHub task lists become checklists."),
    "init": ("init", "Write a commented opsdeck.toml."),
    "doctor": ("doctor", "Try every target and say what is missing."),
    "completion": ("completion", "Print the completion script of a shell."),
}
"""Command -> (module in this package, what its line in the help says)."""


class LazyGroup(HelpfulGroup):
    """A group whose commands are imported when one of them is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which they are helpful."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"opsdeck.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table: nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  opsdeck                                     open the terminal app
  opsdeck glance                              how everything is, on one screen
  opsdeck list checklists                     what there is, and how far it is
  opsdeck release start v1.4.2                its lists start afresh
  opsdeck attest infrastructure/tls-certificate --note "expires in March"
  opsdeck report v1.4.2 --format md           the whole release as Markdown

\b
Exit status: 0 all well, 2 a fault was found, 64 wrong usage, 65 a file with
faults, 66 a file is missing, 74 not saved, 77 not signed, 78 wrong
configuration.
`opsdeck COMMAND --help` has examples for every command.
""",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The opsdeck.toml to use (else $OPSDECK_CONFIG, or the one in this folder or above it).",
)
@click.option("--operator", metavar="NAME", help="Who you are (else $OPSDECK_OPERATOR).")
@click.option("--read-only", is_flag=True, help="No command of a playbook can be run.")
@click.version_option(__version__, "-V", "--version", message="opsdeck %(version)s")
@click.pass_context
def root(ctx: click.Context, config: Path | None, operator: str | None, read_only: bool) -> None:
    """A terminal deck for production readiness: checklists walked, kept and proved.

    Without a command it opens the terminal app.
    """
    ctx.obj = open_door(config, operator, read_only=read_only)


def run_command(arguments: list[str], complete_variable: str) -> int:
    """Run a command; its exit status. Raises UsageError for what Click does not understand."""
    instruction = os.environ.get(complete_variable)
    if instruction:
        return _complete(complete_variable, instruction)
    try:
        with root.make_context("opsdeck", arguments) as ctx:
            code = root.invoke(ctx)
            return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.ClickException as error:
        _explain(error)
    except click.Abort:
        raise KeyboardInterrupt from None


def _complete(variable: str, instruction: str) -> int:
    """Answer the shell's completion script; a mishap there is no reason to disturb its line."""
    from click.shell_completion import shell_complete

    try:
        return shell_complete(root, {}, "opsdeck", variable, instruction)
    except (Exception, SystemExit):
        return 1


_BEFORE = {"--config": " VALUE", "--operator": " VALUE", "--read-only": ""}


def _explain(error: click.ClickException) -> NoReturn:
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "opsdeck"
    message = error.format_message().rstrip()
    if isinstance(error, click.NoSuchOption) and error.option_name in _BEFORE:
        option, value = error.option_name, _BEFORE[error.option_name]
        message = f"{option} stands before the command: `opsdeck {option}{value} COMMAND`"
    lead = message[:1].lower() + message[1:].rstrip(".")
    raise UsageError(f"{lead}\nSee `{path} --help`.") from None
