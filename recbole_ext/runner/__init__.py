"""From names to a trained model with its run folder, and back.

The package is not called run: importing it would replace ``recbole_ext.run``, the function.
"""

from recbole_ext.runner.assembling import assemble, prepared_data
from recbole_ext.runner.loading import load
from recbole_ext.runner.trained import Run
from recbole_ext.runner.training import resume, run

__all__ = ["Run", "assemble", "load", "prepared_data", "resume", "run"]
