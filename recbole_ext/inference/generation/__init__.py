"""Autoregression: the next T items one after another, predictions fed back (arXiv 2504.09596)."""
