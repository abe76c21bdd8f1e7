"""Front matter of a playbook: TOML between `+++`, or the plain part of YAML between `---`."""

from __future__ import annotations

from typing import Any

from opsdeck.catalog.playbook_toml import MOST_CHARACTERS, TooMuchError, loads_bounded
from opsdeck.catalog.playbook_yaml import is_yaml, read_yaml

_ENDS = {"+++": ("+++",), "---": ("---", "...")}


def split_front(text: str) -> tuple[dict[str, Any], int, str]:
    """What the front matter says, how many lines it takes, and what is wrong with it ("": nothing).

    A text that merely begins with a rule has none.
    """
    mark = text.partition("\n")[0].rstrip()
    if mark not in _ENDS:
        return {}, 0, ""
    lines = text.split("\n")
    end = next((n for n in range(1, len(lines)) if lines[n].rstrip() in _ENDS[mark]), None)
    if end is None:
        return {}, 0, ""
    inner = lines[1:end]
    if mark == "+++":
        try:
            return loads_bounded("\n".join(inner)), end + 1, ""
        except TooMuchError as error:
            return {}, end + 1, f"its front matter is not read: {error}"
        except ValueError as error:
            return {}, end + 1, f"its front matter is no TOML: {error}"
    inner = [line.rstrip(" \t") for line in inner]
    if any(inner) and not is_yaml(inner):
        return {}, 0, ""
    if sum(map(len, inner)) + len(inner) > MOST_CHARACTERS:
        said = f"its front matter is not read: it is longer than {MOST_CHARACTERS // 1024} KB"
        return {}, end + 1, said
    return read_yaml(inner), end + 1, ""
