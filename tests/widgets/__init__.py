"""Tests of the widgets: what they draw, and how little of it is sent again."""
