"""Looking into data and results. Each kind of analysis is one module and one line of command.py."""
