"""Events, the log that keeps them, and the fold that makes State of them."""
