"""The command line: a module for each of its own commands; the others are beside their work."""

from recbole_ext.cli.commands import main

__all__ = ["main"]
