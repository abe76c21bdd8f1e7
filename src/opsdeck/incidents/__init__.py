"""Incidents: walking a playbook, its commands, its timeline. Knows no terminal."""
