"""Train one model on one data set: ``python run_recbole_ext.py --model=FPARec --dataset=ml-1m``.

The same as ``python -m recbole_ext run``.
"""

import sys

from recbole_ext.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
