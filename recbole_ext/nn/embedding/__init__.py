"""What the first block is fed with: vectors of items, slots and users."""

from recbole_ext.nn.embedding.items import ItemEncoder, ItemPart
from recbole_ext.nn.embedding.padding import PAD
from recbole_ext.nn.embedding.sequence import SequenceEmbedding
from recbole_ext.nn.embedding.shared import RandomReplacement
from recbole_ext.nn.embedding.users import UserEmbedding

__all__ = [
    "PAD",
    "ItemEncoder",
    "ItemPart",
    "RandomReplacement",
    "SequenceEmbedding",
    "UserEmbedding",
]
