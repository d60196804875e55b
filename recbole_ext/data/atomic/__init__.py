"""Reading RecBole's atomic files: checked, quick and lean.

A file is read in blocks of whole lines. A block whose lines all have the right number of fields is
parsed by pandas' C engine; any other, and any that will not parse, goes line by line through
``faults``, which names what is wrong. Tokens become codes while they are read.
"""

from recbole_ext.data.atomic.header import AtomicFile, Column, read_header
from recbole_ext.data.atomic.reader import read_columns

__all__ = ["AtomicFile", "Column", "read_columns", "read_header"]
