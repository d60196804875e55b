"""The id that stands for nothing: no item, no user, no value."""

PAD = 0
