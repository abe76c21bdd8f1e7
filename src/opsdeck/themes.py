"""Colours: dark, light, and the terminal's own sixteen.

Dark and light take theirs from the 256 every terminal knows by number: those cost half the bytes.
"""

from __future__ import annotations

from textual.theme import Theme

from opsdeck.catalog.config import Theme as ThemeName

_DARK = Theme(
    name="opsdeck-dark",
    primary="#5fafff",
    secondary="#87afd7",
    accent="#d7afff",
    foreground="#dadada",
    background="#121212",
    surface="#121212",
    panel="#1c1c1c",
    boost="#303030",
    success="#87d787",
    warning="#d7af5f",
    error="#ff8787",
    dark=True,
    variables={
        "deck-good": "#87d787",
        "deck-bad": "#ff8787",
        "deck-warn": "#d7af5f",
        "deck-dim": "#8a8a8a",
        "deck-accent": "#5fafff",
        "deck-code": "#afd7ff",
        "deck-title": "#5fafff",
        "deck-cursor": "#303030",
        "deck-alarm": "#af0000",
        "deck-on-alarm": "#ffffff",
    },
)

_LIGHT = Theme(
    name="opsdeck-light",
    primary="#005faf",
    secondary="#5f5f5f",
    accent="#5f00af",
    foreground="#1c1c1c",
    background="#ffffff",
    surface="#ffffff",
    panel="#eeeeee",
    boost="#d7d7ff",
    success="#005f00",
    warning="#875f00",
    error="#af0000",
    dark=False,
    variables={
        "deck-good": "#005f00",
        "deck-bad": "#af0000",
        "deck-warn": "#875f00",
        "deck-dim": "#626262",
        "deck-accent": "#005faf",
        "deck-code": "#5f00af",
        "deck-title": "#005faf",
        "deck-cursor": "#d7d7ff",
        "deck-alarm": "#af0000",
        "deck-on-alarm": "#ffffff",
    },
)

_ANSI = Theme(
    name="opsdeck-ansi",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "deck-good": "ansi_green",
        "deck-bad": "ansi_red",
        "deck-warn": "ansi_yellow",
        "deck-dim": "ansi_default",
        "deck-accent": "ansi_cyan",
        "deck-code": "ansi_cyan",
        "deck-title": "ansi_cyan",
        "deck-cursor": "ansi_default",
        "deck-alarm": "ansi_red",
        "deck-on-alarm": "ansi_white",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
    },
)

THEMES: dict[ThemeName, Theme] = {"dark": _DARK, "light": _LIGHT, "ansi": _ANSI}
"""The configuration's word for a theme -> the theme."""
