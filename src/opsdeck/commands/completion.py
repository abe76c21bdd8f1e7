"""`opsdeck completion`: what a shell needs to complete commands, items, runs and releases."""

from __future__ import annotations

import click

from opsdeck.commands.output import say_text


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    Examples:
      opsdeck completion bash > ~/.local/share/bash-completion/completions/opsdeck
      opsdeck completion zsh > ~/.zfunc/_opsdeck
      opsdeck completion fish > ~/.config/fish/completions/opsdeck.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}", ctx)
    root = ctx.find_root().command
    script = found(root, {}, "opsdeck", "_OPSDECK_COMPLETE")
    say_text(script.source_template % script.source_vars() + "\n")


COMMANDS = {"completion": completion}
