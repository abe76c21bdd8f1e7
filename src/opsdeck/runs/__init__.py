"""Runs: which occasion a checklist is walked for now, and how each item of it stands."""
