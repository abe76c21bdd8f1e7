"""Tests of the command line: in this process where that is enough, else as a real program."""
