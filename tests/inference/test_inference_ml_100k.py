"""On the ml-100k of RecBole's wheel, titles and all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_ext.data.batches import FieldNames
from recbole_ext.runner import Run, load, run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("ml-100k")
    settings = {
        "MAX_ITEM_LIST_LENGTH": 10, "epochs": 1, "hidden_size": 8, "inner_size": 8,
        "factor_rank": 4, "n_layers": 1, "use_gpu": False, "torch_threads": 1, "seed": 7,
        "show_progress": False, "data_path": str(folder / "none"), "run_dir": str(folder / "run"),
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as place:
        place.chdir(folder)
        run("FPARec", "ml-100k", config_dict=settings)
        return load(folder / "run")


def test_all_users_at_once(trained: Run) -> None:
    tokens = trained.dataset.field2id_token["user_id"][1:].tolist()
    answer = trained.recommend(tokens, k=10)
    assert np.array_equal(answer.row, np.repeat(np.arange(943), 10))
    assert np.array_equal(answer.rank, np.tile(np.arange(1, 11), 943))
    store, ids = trained.dataset.store, trained.dataset.field2token_id["item_id"]
    for row in range(943):
        own = {ids[item] for item in answer.item[answer.row == row]}
        assert len(own) == 10
        assert not own & set(store.sequence(row + 1).tolist())


@torch.no_grad()
def test_histories_before_the_test_item_score_as_evaluation_does(trained: Run) -> None:
    """The same rows as the test loader's, through tokens and back."""
    loader, dataset = trained.loaders.test, trained.dataset
    batch = next(iter(loader))
    names = FieldNames.from_config(trained.config)
    users = batch.interaction[names.user].tolist()
    tokens = dataset.field2id_token["item_id"]
    histories = [tokens[dataset.store.sequence(user)[:-1]].tolist() for user in users]
    expected = trained.model.full_sort_predict(batch.interaction)[:, 1:]  # type: ignore[operator]
    answer = trained.recommend(histories, k=1682, exclude_seen=False)
    found = np.empty(expected.shape)
    items = [dataset.field2token_id["item_id"][item] - 1 for item in answer.item]
    found[answer.row, items] = answer.score
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_titles(trained: Run) -> None:
    answer = trained.recommend([["50", "172"]], k=2000, exclude_seen=False)
    titles = {row.item: row.title for row in answer}
    assert len(titles) == 1682
    assert titles["50"] == "Star Wars"
    assert titles["172"] == "Empire Strikes Back, The"
    assert titles["1"] == "Toy Story"


def test_known_user_196(trained: Run) -> None:
    """He is continued from all of his 39 items, the two held out among them."""
    dataset = trained.dataset
    user = dataset.token2id("user_id", "196")
    history = dataset.field2id_token["item_id"][dataset.store.sequence(user)].tolist()
    assert len(history) == 39
    known, new = trained.recommend(["196"], k=5), trained.recommend([history], k=5)
    assert known.item.tolist() == new.item.tolist()
    assert known.score.tolist() == new.score.tolist()
    before = trained.recommend([history[:-2]], k=5)
    assert before.score.tolist() != known.score.tolist()


def test_the_data_set_folder_is_the_bundled_one(trained: Run) -> None:
    assert Path(trained.config["data_path"], "ml-100k.item").is_file()
