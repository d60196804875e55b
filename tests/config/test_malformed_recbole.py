"""Malformed configurations of RecBole's own models: one line too."""

from __future__ import annotations

import pytest
from refused import message

BUILTIN = [
    ("SASRec", "--attention=linear", "unknown key 'attention' (from --attention) for model SASRec: "
     "it is a key of recbole_ext's own models"),
    ("SASRec", "--mask_ratio=0.2", "it is a key of recbole_ext's own models"),
    ("GRU4Rec", "--hiden_size=64", "did you mean 'hidden_size'?"),
    ("SASRec", "--train_objective=all_positions", "train_objective: 'all_positions' (from "
     "--train_objective) is for recbole_ext's own models; RecBole's SASRec takes last_position"),
    ("SASRec", "--n_heads=3", "must divide hidden_size: 64 (from RecBole's SASRec.yaml)"),
    ("CORE", "--n_heads=3", "must divide embedding_size: 64 (from RecBole's CORE.yaml)"),
    ("SASRec", "--n_layers=2.0", "must be a whole number >= 1"),
    ("SASRec", "--hidden_act=silu", "must be one of gelu, relu, swish, tanh, sigmoid"),
    ("SASRec", "--loss_type=bpr", "must be one of CE, BPR; did you mean 'BPR'?"),
    ("BERT4Rec", "--mask_ratio=true", "mask_ratio: 'true' (from --mask_ratio) must be a number"),
    ("NARM", "--dropout_probs=0.5", "must be a list"),
    ("RepeatNet", "--joint_train=1", "must be true or false"),
    ("SASRec", "--train_neg_sample_args={distribution: uniform}",
     "must be null with loss_type: 'CE' (from RecBole's SASRec.yaml)"),
    ("BPR", "--train_neg_sample_args={distribution: unifrm}",
     "has distribution: 'unifrm', which must be one of uniform, popularity"),
    ("BPR", "--train_neg_sample_args={sample_num: 2}", "needs distribution"),
    ("BPR", "--train_neg_sample_args={distribution: uniform, sample_num: 0}",
     "has sample_num: 0, which must be a whole number >= 1"),
    ("SASRec", "--transform=mask_itemseq", "needs the key mask_ratio, which SASRec does not have"),
    ("SASRecF", "--selected_features=[]", "must be a list of at least one column's name"),
    ("SASRecF", "--selected_features=[3]", "must be a list of at least one column's name"),
    ("Pop", "--long_sequences=chunk", "needs train_objective: all_positions"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "argument", "expected"), BUILTIN)
def test_recbole_models(model: str, argument: str, expected: str) -> None:
    assert expected in message(model, cli_args=[argument])


def test_bpr_needs_negatives() -> None:
    given = {"loss_type": "BPR", "train_neg_sample_args": None}
    assert "leaves loss_type: 'BPR' (from config_dict) without negatives" in message(
        "SASRec", config_dict=given
    )
