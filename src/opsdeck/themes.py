"""Colours: dark, light, and the terminal's own sixteen."""

from __future__ import annotations

from textual.theme import Theme

from opsdeck.catalog.config import Theme as ThemeName

_DARK = Theme(
    name="opsdeck-dark",
    primary="#6cb6ff",
    secondary="#8b9bb4",
    accent="#d2a8ff",
    foreground="#d5dbe3",
    background="#10141a",
    surface="#10141a",
    panel="#1a212b",
    boost="#24303f",
    success="#56c271",
    warning="#e0ac42",
    error="#ff6b66",
    dark=True,
    variables={
        "deck-good": "#56c271",
        "deck-bad": "#ff7b72",
        "deck-warn": "#e0ac42",
        "deck-dim": "#8a95a5",
        "deck-accent": "#6cb6ff",
        "deck-code": "#a5d6ff",
        "deck-title": "#6cb6ff",
        "deck-cursor": "#24303f",
        "deck-alarm": "#b3261e",
        "deck-on-alarm": "#ffffff",
    },
)

_LIGHT = Theme(
    name="opsdeck-light",
    primary="#0b5cad",
    secondary="#5a6472",
    accent="#7a3fb5",
    foreground="#1c232b",
    background="#fbfbf8",
    surface="#fbfbf8",
    panel="#eeeeea",
    boost="#dbe7f5",
    success="#1a7a37",
    warning="#8a5a00",
    error="#b3261e",
    dark=False,
    variables={
        "deck-good": "#1a7a37",
        "deck-bad": "#b3261e",
        "deck-warn": "#8a5a00",
        "deck-dim": "#5f6873",
        "deck-accent": "#0b5cad",
        "deck-code": "#7a3fb5",
        "deck-title": "#0b5cad",
        "deck-cursor": "#d6e4f5",
        "deck-alarm": "#b3261e",
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
