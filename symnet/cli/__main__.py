"""`python -m symnet.cli` is the command line."""

import sys

from symnet.cli import main

if __name__ == "__main__":
    sys.exit(main())
