"""Tests of what reads and changes the files that people wrote."""
