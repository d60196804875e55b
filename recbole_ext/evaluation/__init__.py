"""Full ranking, with seen items kept and masked in one pass."""
