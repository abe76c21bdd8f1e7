"""The one family of errors that a user can cause: each says what, where and what to do."""

from __future__ import annotations


class OpsDeckError(Exception):
    """A mistake or mishap that a message can explain; never shown as a traceback.

    `exit_code` is what the command line ends with: 64 and up for usage and configuration
    (as in sysexits.h), below for what monitoring tools understand.
    """

    exit_code = 70


class UsageError(OpsDeckError):
    """Asked for something that does not exist or does not apply now."""

    exit_code = 64


class DataError(OpsDeckError):
    """A file that people wrote cannot be used as it stands."""

    exit_code = 65


class NoInputError(OpsDeckError):
    """A file is missing or cannot be read."""

    exit_code = 66


class NotSavedError(OpsDeckError):
    """Nothing was recorded: the journal could not be written and flushed to disk."""

    exit_code = 74


class ConfigError(OpsDeckError):
    """`opsdeck.toml` or the environment asks for something impossible."""

    exit_code = 78
