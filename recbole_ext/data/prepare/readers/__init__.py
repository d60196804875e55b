"""One file per input format; each holds a `READER`."""
