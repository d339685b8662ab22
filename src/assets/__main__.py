"""`python -m assets` is the command `assets`."""

from assets.cli import main

main()
