"""The screens: what the operator sees, built from the Deck and nothing else."""
