"""Users and items as each other's sequences (arXiv 2504.09596, duality)."""

from recbole_ext.nn.duality.bank import VectorBank
from recbole_ext.nn.duality.consistency import CONSISTENCIES, STOPPED_SIDES, Consistency
from recbole_ext.nn.duality.dual_encoder import DualEncoder
from recbole_ext.nn.duality.duality import Duality
from recbole_ext.nn.duality.item_users import ItemUsers

__all__ = [
    "CONSISTENCIES",
    "STOPPED_SIDES",
    "Consistency",
    "DualEncoder",
    "Duality",
    "ItemUsers",
    "VectorBank",
]
