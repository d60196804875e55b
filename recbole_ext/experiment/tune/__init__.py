"""Search for a model's settings: Ray Tune with ASHA on validation, then one run of the best."""
