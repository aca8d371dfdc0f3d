"""`python -m licensegate.app`: the `licensegate` command by its module's name."""

import sys

from .cli import main

sys.exit(main())
