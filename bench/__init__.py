"""What OpsDeck costs, measured beside what it stands on; `docs/bench.md` says how to read it."""
