"""TokenizedSASRec: what it shares with a dense model, and what a run keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bad_input import Refused
from tiny_model import HISTORIES, N_ITEMS, NEXT, batch, build, state

from recbole_ext import load, run
from recbole_ext.config import ExtConfig
from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.data.item_codes import item_codes
from recbole_ext.data.loading import load_data
from recbole_ext.errors import ConfigError
from recbole_ext.nn.catalogue import CodeCatalogue, TableCatalogue
from recbole_ext.runner import Run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
RANDOM = {"codes": "random", "n_codes": 2, "codebook_size": 8}
ALL = {TARGET_COUNT: (6, 4, 2, 1), TARGET_WEIGHT: (0.5, 1.0, 2.0, 0.25)}
COMBINATIONS = pytest.mark.parametrize("combination", ["sum", "concat"])
SMALL = {"n_codes": 2, "codebook_size": 8}


def with_a_table(model: Any) -> Any:
    """A VanillaAR of the same network whose items are the decoded ones."""
    dense = build("VanillaAR")
    state_dict = model.state_dict()
    own = {name: state_dict[name] for name in dense.state_dict() if name in state_dict}
    own["embedding.items.weight"] = model.item_table.detach()
    dense.load_state_dict(own)
    return dense


@COMBINATIONS
def test_it_is_the_dense_model_of_the_decoded_items(combination: str) -> None:
    model = build("TokenizedSASRec", code_combination=combination, **RANDOM)
    dense = with_a_table(model)
    with torch.no_grad():
        scores = model.full_sort_predict(batch())
        torch.testing.assert_close(scores, dense.full_sort_predict(batch()), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(model.predict(batch()), scores.gather(1, _column(NEXT))[:, 0])
    losses = [m.calculate_loss(batch(**ALL)) for m in (model, dense)]
    torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-6)


@COMBINATIONS
def test_code_vectors_learn_from_input_and_loss_alike(combination: str) -> None:
    """Their gradient is the table's, gathered: the chain rule through the decoded items."""
    model = build("TokenizedSASRec", code_combination=combination, **RANDOM)
    dense = with_a_table(model)
    part = model.embedding.items.parts[0]
    model.calculate_loss(batch(**ALL)).backward()
    dense.calculate_loss(batch(**ALL)).backward()
    table = part(torch.arange(N_ITEMS))
    (expected,) = torch.autograd.grad(table, part.weight, dense.embedding.items.weight.grad)
    torch.testing.assert_close(part.weight.grad, expected, rtol=1e-4, atol=1e-6)


def _column(items: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor(items).unsqueeze(1)


@torch.no_grad()
def test_top_items_are_the_best_of_all_scores() -> None:
    model = build("TokenizedSASRec", **RANDOM)
    scores = model.full_sort_predict(batch())
    owner = torch.cat([torch.full((len(h),), row) for row, h in enumerate(HISTORIES)])
    seen = torch.tensor([item for history in HISTORIES for item in history])
    scores[:, 0] = scores[owner, seen] = -torch.inf
    values, ids = model.top_items(batch(), 5, (owner, seen))
    torch.testing.assert_close(values, scores.topk(5).values)
    torch.testing.assert_close(scores.gather(1, ids), values)


def test_ids_beside_codes_make_a_table() -> None:
    model = build("TokenizedSASRec", item_id_embedding=True, **RANDOM)
    assert isinstance(model.catalogue, TableCatalogue)
    assert isinstance(build("TokenizedSASRec", **RANDOM).catalogue, CodeCatalogue)
    rows = model.embedding.items.weight + model.embedding.items.parts[0](torch.arange(N_ITEMS))
    torch.testing.assert_close(model.item_table, rows)
    scores = model.full_sort_predict(batch())[2]
    torch.testing.assert_close(scores, rows @ state(model, HISTORIES[2]))


def test_parameters_do_not_grow_with_the_catalogue() -> None:
    model, dense = build("TokenizedSASRec", **RANDOM), build("VanillaAR")
    sizes = [sum(p.numel() for p in m.parameters()) for m in (model, dense)]
    assert sizes[0] - sizes[1] == 2 * 8 * 8 - N_ITEMS * 8


@COMBINATIONS
def test_the_mask_is_no_item(combination: str) -> None:
    """Not even the one whose codes are all 0; it learns from where it stands, as no item does."""
    model = build("TokenizedSASRec", code_combination=combination, direction="ae", **RANDOM)
    items = model.embedding.items
    vectors = items(torch.arange(N_ITEMS + 1))
    mask, zero = vectors[N_ITEMS], items.parts[0].weight[:, 0]
    assert not torch.allclose(mask, zero.flatten() if combination == "concat" else zero.sum(0))
    assert mask.detach().std() == pytest.approx(0.3, rel=0.6)  # initializer_range, as an item's
    (gradient,) = torch.autograd.grad(vectors[N_ITEMS].sum(), items.parts[0].weight)
    assert not gradient.any()
    model.train().calculate_loss(batch(**ALL)).backward()
    assert items.apart.grad.any()
    assert model.full_sort_predict(batch()).shape == (4, N_ITEMS)


def test_the_mask_beside_ids_moves_no_code() -> None:
    """Its id alone is its vector: half of all slots must not train what real items are made of."""
    model = build("TokenizedSASRec", item_id_embedding=True, direction="ae", **RANDOM)
    items = model.embedding.items
    vector = items(torch.tensor([N_ITEMS]))
    torch.testing.assert_close(vector, items.weight[N_ITEMS:])
    vector.sum().backward()
    assert not items.parts[0].weight.grad.any()


@pytest.mark.parametrize("changes", [{}, {"direction": "ae"}, {"item_id_embedding": True}], ids=str)
def test_a_run_comes_back_with_its_codes(
    changes: dict[str, Any], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(run_dir=str(tmp_path / "run"), epochs=3, **SMALL, **changes)
    trained = run("TokenizedSASRec", "ring", config_dict=chosen)
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "codes rq: 30 items as 2 codes of 8, 30 of them distinct" in log
    # They come from its folder: none are made anew.
    monkeypatch.setattr("recbole_ext.data.item_codes._QUANTISERS", {})
    loaded = load(tmp_path / "run")
    assert torch.equal(scores(trained), scores(loaded))
    assert loaded.evaluate().seen_kept == trained.metrics["test"]


@pytest.mark.parametrize(
    "tamper", [lambda codes: codes + 8, lambda codes: codes.int(), lambda codes: codes[:, :1]]
)
def test_saved_codes_that_do_not_fit_are_not_taken(
    tamper: Callable[[torch.Tensor], torch.Tensor], settings: Settings
) -> None:
    config = ExtConfig("TokenizedSASRec", "ring", config_dict=settings(**SMALL))
    data = load_data(config)
    made = item_codes(config, data).values
    other = made.flip(0)
    data.saved_codes = other
    assert torch.equal(item_codes(config, data).values, other)
    data.saved_codes = tamper(other)
    assert torch.equal(item_codes(config, data).values, made)


@torch.no_grad()
def scores(finished: Run) -> torch.Tensor:
    rows = next(iter(finished.loaders.test)).interaction
    return finished.model.eval().full_sort_predict(rows)  # type: ignore[operator,no-any-return]


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_recommend(exclude_seen: bool, settings: Settings) -> None:
    """By slices of the catalogue or by all scores: the same lists."""
    trained = run("TokenizedSASRec", "ring", config_dict=settings(**SMALL))
    histories = [["i1", "i2", "i3"], ["i7"]]
    found = trained.recommend(histories, k=6, exclude_seen=exclude_seen)
    trained.model.top_items = None  # type: ignore[assignment]
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr("recbole_ext.inference.scorer.RanksInSlices", type("Nobody", (), {}))
        other = trained.recommend(histories, k=6, exclude_seen=exclude_seen)
    assert found.item.tolist() == other.item.tolist() and len(found.item) == 12
    np.testing.assert_allclose(found.score, other.score, rtol=1e-5)
    taken = {item for row, item in zip(found.row, found.item, strict=True) if row == 0}
    assert bool(taken & {"i1", "i2", "i3"}) is not exclude_seen or not exclude_seen


def test_it_learns(settings: Settings) -> None:
    """The ring: each item is followed by its neighbour 4 times of 5."""
    trained = run("TokenizedSASRec", "ring", config_dict=settings(**SMALL, epochs=30))
    assert trained.metrics["test"]["Hit@5"] > 0.5


def test_sampled_losses_run_on_codes(settings: Settings) -> None:
    chosen = settings(**SMALL, epochs=30, loss_type="sampled_softmax", n_negatives=12)
    assert run("TokenizedSASRec", "ring", config_dict=chosen).metrics["test"]["Hit@5"] > 0.5


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"codes": "rqq"}, "must be one of rq, pq, random, attributes; did you mean 'rq'?"),
    ({"n_codes": 0}, "n_codes: 0 (from config_dict) must be a whole number >= 1"),
    ({"codebook_size": 1}, "codebook_size: 1 (from config_dict) must be a whole number >= 2"),
    ({"code_combination": "concat", "n_codes": 3}, "needs 3 codes to divide hidden_size: 64"),
    ({"codes": "pq", "n_codes": 65}, "n_codes: 65 (from config_dict) must be at most hidden_size"),
    ({"codes": "attributes"}, "needs item_features: the columns that become codes"),
    ({"codes": "attributes", "item_features": ["a"], "n_codes": 2}, "is for codes: rq or pq or"),
    ({"item_features": ["class"]}, "are codes of codes: attributes, not codes: 'rq'"),
    ({"score": "cosine"}, "score: 'cosine' (from config_dict) cannot stand beside codes: 'rq'"),
    ({"user_embedding": "concat"}, "cannot stand beside codes: 'rq'"),
    (
        {"padding_row": "learned", "item_id_embedding": True},
        "padding_row: 'learned' (from config_dict) cannot stand beside codes: 'rq'",
    ),
    ({"padding_as_class": True}, "PAD has no codes"),
    ({"feature_combination": "concat"}, "the codes' is code_combination"),
    ({"loss_precision": "bfloat16"}, "must be float32 or auto"),
]


@pytest.mark.parametrize(("keys", "expected"), REFUSED, ids=[str(k) for k, _ in REFUSED])
def test_impossible_keys_are_refused_in_one_line(keys: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        ExtConfig("TokenizedSASRec", "shop", config_dict=keys)
    assert expected in str(error.value) and "\n" not in str(error.value)


def test_other_models_have_no_codes() -> None:
    with pytest.raises(ConfigError, match="unknown key 'codes'"):
        ExtConfig("VanillaAR", "shop", config_dict={"codes": "rq"})


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = Refused(tmp_path, capsys)
    line = refused("run", "--model=TokenizedSASRec", "--dataset=d", "--codes=attributes")
    assert "needs item_features" in line


def test_codes_of_attributes(ml_100k: Settings, tmp_path: Path) -> None:
    keys = {"codes": "attributes", "item_features": ["class", "release_year"]}
    chosen = ml_100k(run_dir=str(tmp_path / "run"), **keys, **{"epochs": 1, "codebook_size": 16})
    trained = run("TokenizedSASRec", "ml-100k", config_dict=chosen)
    codes = trained.model.embedding.items.parts[0].codes  # type: ignore[union-attr,index]
    dataset = trained.dataset
    assert codes.shape == (1683, 2)
    genres = dataset.item_feat["class"]
    pairs: dict[int, set[tuple[int, ...]]] = {}
    for item in range(1, 1683):
        named = tuple(sorted(int(g) for g in genres[item] if g))
        pairs.setdefault(int(codes[item, 0]), set()).add(named)
    assert all(len(named) == 1 for named in pairs.values()) and len(pairs) == 216
    assert torch.equal(scores(trained), scores(load(tmp_path / "run")))
