"""Runs the command line: `python -m vitrine_ops`."""

import sys

from vitrine_ops.cli import main

sys.exit(main(sys.argv[1:]))
