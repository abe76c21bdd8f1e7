"""Widgets that write to the terminal only what changed."""
