"""Probes: each looks at one target once and returns a document. None judges or changes anything."""
