"""What the commands have in common as Click commands."""

from __future__ import annotations

import click

from opsdeck.commands.door import Door

pass_door = click.make_pass_decorator(Door)
"""Gives a command the Door as its first argument."""


class HelpfulGroup(click.Group):
    """A group that answers an unknown command with the nearest one that it has."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; raises click.UsageError for a name that is none."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"no such command {name!r}; {_hint(name, known)}", ctx)
        return super().resolve_command(ctx, args)


def _hint(name: str, known: list[str]) -> str:
    # Imported here: only a mistake needs it.
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(known)
