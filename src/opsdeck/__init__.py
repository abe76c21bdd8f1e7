"""OpsDeck: a terminal deck that makes a production-readiness document live."""

__version__ = "0.1.0"
