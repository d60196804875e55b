"""Encoders out of the package ``transformers``, with random weights.

Importing this package imports ``transformers``: do so only where such an encoder is asked for.
"""

from recbole_ext.nn.backbone.encoder import HuggingFaceEncoder
from recbole_ext.nn.backbone.families import attributes, families, has_no_name_for, owners
from recbole_ext.nn.backbone.spec import KEYS, BackboneError, BackboneSpec
from recbole_ext.nn.backbone.trial import tried

__all__ = [
    "KEYS",
    "BackboneError",
    "BackboneSpec",
    "HuggingFaceEncoder",
    "attributes",
    "families",
    "has_no_name_for",
    "owners",
    "tried",
]
