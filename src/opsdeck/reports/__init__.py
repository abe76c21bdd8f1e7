"""What the deck knows, as values and files for other people and programs."""
