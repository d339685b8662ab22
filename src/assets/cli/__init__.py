"""The command `assets`: everything that people and service managers start."""

from assets.cli.main import main

__all__ = ["main"]
