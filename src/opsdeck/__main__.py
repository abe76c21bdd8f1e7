"""`python -m opsdeck` is `opsdeck`."""

from opsdeck.cli import main

if __name__ == "__main__":
    main()
