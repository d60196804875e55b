"""Models: RecBole ``SequentialRecommender`` subclasses, one paper a file.

For a model of one's own: :class:`recbole_ext.model.base.NextItemRecommender`, and
:class:`recbole_ext.model.composable.ComposableRecommender` with all its axes.
"""
