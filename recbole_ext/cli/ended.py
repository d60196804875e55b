"""What ended a command before its end: one line on stderr, and the exit code."""

from __future__ import annotations

import errno
import sys

from recbole_ext.errors import INTERRUPTED, UserError, out_of_memory

USER_ERROR = 2
# The disk's, or of a path that was given: no bug of ours.
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
NO_PATH = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR)


def told(error: Exception | KeyboardInterrupt) -> int | None:
    """Say in one line what ended a command; its exit code, None for what wants its traceback."""
    if isinstance(error, BrokenPipeError):
        return 0
    if isinstance(error, KeyboardInterrupt):
        how = f"; go on with: {error}" if error.args else _how_to_resume()
        print(f"interrupted{how}", file=sys.stderr)
        return INTERRUPTED
    if isinstance(error, OSError):
        line, code = _of_a_file(error), USER_ERROR
    elif isinstance(error, UserError):
        line, code = str(error), USER_ERROR
    elif isinstance(error, FloatingPointError):
        line, code = str(error), 1
    else:
        line, code = out_of_memory(error), 1
    if line is None:
        return None
    print(f"error: {line}", file=sys.stderr)
    return code


def _of_a_file(error: OSError) -> str | None:
    what = error.filename or "a file"
    if error.errno in NO_PATH:
        return f"{what}: {error.strerror}"
    if error.errno in UNWRITABLE:
        return f"{what} could not be written ({error.strerror}){_how_to_resume()}"
    return None


def _how_to_resume() -> str:
    """Names the run folder of an interrupted run, if one had begun."""
    from recbole_ext.training.run_folder import current_folder

    current = current_folder()
    return f"; go on with: recbole_ext resume {current}" if current else ""
