"""Make ``python -m isexplore`` the same as ``isexplore``."""

from __future__ import annotations

import sys

from isexplore.cli import main

if __name__ == "__main__":
    sys.exit(main())
