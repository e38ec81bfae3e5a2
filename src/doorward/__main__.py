"""`python -m doorward`: the same as the command `doorward`."""

import sys

from doorward.cli import main

if __name__ == "__main__":
    sys.exit(main())
