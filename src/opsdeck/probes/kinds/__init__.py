"""One module a kind of probe; `opsdeck.probes.registry` finds them by name."""
