"""What is measured and what stops a run, where a user has named one of the two (RecBole's YAML)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError

OURS = (["Hit", "NDCG", "MRR"], [5, 10, 20], "NDCG@10")


def measured(**keys: Any) -> tuple[list[str], list[int], str]:
    config = ExtConfig("FPARec", "ml-100k", config_dict={"use_gpu": False, **keys})
    again = ExtConfig(config_dict=config.resolved())
    names = ("metrics", "topk", "valid_metric")
    assert [again[name] for name in names] == [config[name] for name in names]
    return config["metrics"], config["topk"], config["valid_metric"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, OURS),
        ({"metrics": ["Recall", "MRR"], "topk": 10}, (["Recall", "MRR"], [10], "MRR@10")),
        ({"metrics": ["recall", "ndcg"]}, (["recall", "ndcg"], [5, 10, 20], "NDCG@10")),
        ({"metrics": "Recall", "topk": [3, 4]}, (["Recall"], [3, 4], "Recall@3")),
        ({"valid_metric": "Recall@10"}, ([*OURS[0], "Recall"], OURS[1], "Recall@10")),
        ({"valid_metric": "mrr@7"}, (OURS[0], [5, 10, 20, 7], "mrr@7")),
        (
            {"valid_metric": "precision@3_seen_masked"},
            ([*OURS[0], "Precision"], [5, 10, 20, 3], "precision@3_seen_masked"),
        ),
    ],
)
def test_our_default_follows(keys: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert measured(**keys) == expected


@pytest.mark.parametrize("folder", ["properties", "properties/model", "mine"])
def test_a_users_file_is_the_users_wherever_it_lies(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path(folder, "mine.yaml")
    file.parent.mkdir(parents=True)
    file.write_text("valid_metric: Recall@20\n")
    config = ExtConfig("FPARec", "ml-100k", config_file_list=[file])
    assert (config["valid_metric"], config["metrics"][-1]) == ("Recall@20", "Recall")
    file.write_text("mask_ratio: 0.3\n")
    with pytest.raises(ConfigError, match=r"mask_ratio: 0\.3 .* is for direction: ae"):
        ExtConfig("FPARec", "ml-100k", config_file_list=[file])


@pytest.mark.parametrize("mode", ["full", {"valid": "full"}, {"test": "full"}])
def test_half_of_a_mode(mode: Any) -> None:
    config = ExtConfig("SASRec", "ml-100k", config_dict={"eval_args": {"mode": mode}})
    assert config["eval_args"]["mode"] == {"valid": "full", "test": "full"}
