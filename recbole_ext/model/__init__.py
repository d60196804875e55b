"""Models: RecBole ``SequentialRecommender`` subclasses, one paper a file."""
