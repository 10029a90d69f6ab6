"""The command line: thin commands over the package."""

from cardcallback.cli.application import main

__all__ = ["main"]
