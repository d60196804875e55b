"""Each malformed configuration ends in one line that names the key, its source and the remedy."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from refused import message

OURS = [
    # unknown keys
    ("--learning_rte=1", "unknown key 'learning_rte' (from --learning_rte) for model FPARec; "
     "did you mean 'learning_rate'?"),
    ("--Hidden_Size=50", "did you mean 'hidden_size'?"),
    ("--ft_ratio=0.2", "for model FPARec: it is a key of RecBole's BERT4Rec"),
    ("--qqqq=1", "unknown key 'qqqq' (from --qqqq) for model FPARec"),
    ("--base=PARec", "unknown key 'base' (from --base)"),
    # wrong types
    ("--learning_rate=abc", "learning_rate: 'abc' (from --learning_rate) must be a number > 0"),
    ("--epochs=true", "epochs: 'true' (from --epochs) must be a whole number >= 1"),
    ("--epochs=1.5", "must be a whole number >= 1"),
    ("--hidden_size=64.0", "must be a whole number >= 1"),
    ("--seed=", "seed: '' (from --seed) must be a whole number"),
    ("--seed=None", "must be a whole number"),
    ("--scale_embedding=1", "scale_embedding: '1' (from --scale_embedding) must be true or false"),
    ("--hidden_size=1/0", "hidden_size: '1/0' (from --hidden_size) must be a whole number >= 1"),
    ("--epochs=__import__('os')", "must be a whole number"),
    ("--load_col=[user_id]", "must be a mapping or null"),
    ("--normalize_all=maybe", "must be true or false or null"),
    # out of range
    ("--learning_rate=0", "must be a number > 0"),
    ("--learning_rate=nan", "must be a number > 0"),
    ("--learning_rate=1e999", "must be a number > 0"),
    ("--adam_beta2=1.0", "must be a number in [0, 1)"),
    ("--hidden_dropout_prob=-0.1", "must be a number in [0, 1)"),
    ("--min_lr_ratio=1.01", "must be a number in [0, 1]"),
    ("--seed=4294967296", "must be a whole number in [0, 4294967295]"),
    ("--epochs=0", "epochs: '0' (from --epochs) must be a whole number >= 1"),
    ("--epochs=-1", "must be a whole number >= 1"),
    ("--epochs=9223372036854775808", "must be a whole number >= 1"),
    ("--topk=0", "must be a whole number >= 1 or a list of whole numbers >= 1"),
    ("--topk=[5,-1]", "must be a whole number >= 1 or a list of whole numbers >= 1"),
    ("--topk=[5,true]", "topk: '[5,true]'"),
    ("--MAX_ITEM_LIST_LENGTH=0", "must be a whole number >= 1"),
    # choices
    ("--loss_type=ce", "must be one of CE, BCE, BPR, gBCE, sampled_softmax; did you mean 'CE'?"),
    ("--loss_type=TOP1", "loss_type: 'TOP1' (from --loss_type) must be one of CE, BCE"),
    ("--direction=AE", "must be one of ar, ae; did you mean 'ae'?"),
    ("--direction=ae --mask_ratio=1.5", "must be a number in [0, 1] or null"),
    ("--attention=factorised_positional", "did you mean 'factorized_positional'?"),
    ("--lr_schedule=Cosine", "must be one of constant, linear, cosine; did you mean 'cosine'?"),
    ("--trim_batches=maybe", "must be one of auto, true, false"),
    ("--learner=admw", "did you mean 'adamw'?"),
    ("--split_protocol=papr", "must be one of paper, recbole; did you mean 'paper'?"),
    ("--rm_dup_inter=lst", "must be one of first, last or null; did you mean 'last'?"),
    # combinations of training and architecture
    ("--n_heads=3", "n_heads: 3 (from --n_heads) must divide hidden_size: 50 "
     "(from properties/model/ComposableRecommender.yaml)"),
    ("--long_sequences=chunk --train_objective=last_position",
     "needs train_objective: all_positions, not train_objective: 'last_position' "
     "(from --train_objective)"),
    ("--warmup_steps=3 --warmup_epochs=0.5", "warmup_steps: 3 (from --warmup_steps) and "
     "warmup_epochs: 0.5 (from --warmup_epochs): give only one"),
    ("--attention=linear --mask_after_softmax=true", "mask_after_softmax: true (from "
     "--mask_after_softmax) needs one of positional, factorized_positional, relative_positional, "
     "fixed_pattern, not attention: 'linear' (from --attention)"),
    ("--attention=token_mixing --mask_after_softmax=true", "needs one of positional, "),
    ("--attention=dot_product --unused_qk_projections=true", "needs one of positional, "
     "factorized_positional, relative_positional, fixed_pattern, token_mixing, not attention"),
    ("--attention=[dot_product,linear] --mask_after_softmax=true", "needs one of positional, "),
    ("--attention=[dot_product,positionl]", "attention: '[dot_product,positionl]' (from "
     "--attention) must be one of dot_product, positional, factorized_positional, "
     "relative_positional, fixed_pattern, linear, token_mixing, frequency_filter or a list of "
     "them; did you mean 'positional'?"),
    ("--attention_shares=[0.7]", "attention_shares: [0.7] (from --attention_shares) needs a number "
     "for each of several, not attention: 'factorized_positional' (from properties/model/FPARec"),
    ("--attention=[linear,dot_product] --attention_shares=[1]", "needs a number for each of "
     "several, not attention: ['linear', 'dot_product'] (from --attention)"),
    ("--attention=[linear,dot_product] --attention_shares=[1,much]", "must be a list of numbers "
     "or null"),
    ("--attention=frequency_filter --filter_frequencies=27", "filter_frequencies: 27 (from "
     "--filter_frequencies) must be at most 26 with MAX_ITEM_LIST_LENGTH: 50"),
    ("--attention=[]", "attention: [] (from --attention) names no mixer; there are dot_product, "),
    ("--attention=[linear,3]", "must be one of dot_product, positional, "),
    ("--attention=[[linear]]", "must be one of dot_product, positional, "),
    ("--attention=null", "must be one of dot_product, positional, "),
    ("--n_local_heads=1", "n_local_heads: 1 (from --n_local_heads) needs dot_product, not "
     "attention: 'factorized_positional' (from properties/model/FPARec.yaml)"),
    ("--attention=[positional,linear] --n_local_heads=1", "needs dot_product, not attention: "
     "['positional', 'linear'] (from --attention)"),
    ("--attention=dot_product --n_local_heads=2", "n_local_heads: 2 (from --n_local_heads) must "
     "be at most n_heads: 1 (from properties/model/ComposableRecommender.yaml)"),
    ("--n_local_heads=-1", "must be a whole number >= 0"),
    ("--local_window=0", "local_window: '0' (from --local_window) must be a whole number >= 1"),
    ("--attention=dot_product --n_local_heads=1 --local_window=6 --MAX_ITEM_LIST_LENGTH=5",
     "local_window: 6 (from --local_window) must be at most MAX_ITEM_LIST_LENGTH: 5 "
     "(from --MAX_ITEM_LIST_LENGTH)"),
    ("--local_attention=windw", "local_attention: 'windw' (from --local_attention) must be one of "
     "window, conv, rnn, initial, adaptive; did you mean 'window'?"),
    ("--position_bias=rotery", "must be one of none, rotary, relative; did you mean 'rotary'?"),
    ("--position_bias=rotary", "position_bias: 'rotary' (from --position_bias) needs dot_product, "
     "not attention: 'factorized_positional' (from properties/model/FPARec.yaml)"),
    ("--attention=dot_product --position_bias=rotary --n_heads=2", "needs an even number of "
     "dimensions a head: hidden_size: 50 (from properties/model/ComposableRecommender.yaml) over "
     "n_heads: 2 (from --n_heads)"),
    ("--attention=dot_product --position_bias=relative --n_local_heads=1 --local_attention=rnn",
     "needs a head with scores; all heads are local_attention: 'rnn' (from --local_attention)"),
    ("--train_neg_sample_args={distribution: uniform}", "must be null: FPARec draws its own "
     "negatives (n_negatives, ...)"),
    ("--train_neg_sample_args={distribution: uniform} --loss_type=BPR", "must be null: FPARec"),
    ("--gbce_t=0.5", "gbce_t: 0.5 (from --gbce_t) is for loss_type: gBCE, not for loss_type: 'CE' "
     "(from properties/model/ComposableRecommender.yaml)"),
    ("--gbce_t=0.5 --loss_type=BCE", "not for loss_type: 'BCE' (from --loss_type)"),
    ("--mask_ratio=0.5", "mask_ratio: 0.5 (from --mask_ratio) is for direction: ae, not for "
     "direction: 'ar' (from properties/model/ComposableRecommender.yaml)"),
    ("--mask_last_prob=0", "is for direction: ae, not for direction: 'ar'"),
    ("--n_negatives=4", "is for loss_type: BCE or BPR or gBCE or sampled_softmax, not for "),
    ("--loss_type=BPR --logq_correction=true", "is for loss_type: sampled_softmax, not for "),
    ("--loss_type=BPR --in_batch_share=.5", "is for negative_sampling: mixed, not for "
     "negative_sampling: 'uniform' (from properties/model/ComposableRecommender.yaml)"),
    ("--loss_type=BPR --n_negatives=null", "n_negatives: null (from --n_negatives) needs a value "
     "with loss_type: 'BPR' (from --loss_type)"),
    ("--loss_type=BPR --negative_sampling=mixed --n_negatives=1", "n_negatives: 1 (from "
     "--n_negatives) must be 2 or more with negative_sampling: 'mixed' (from --negative_sampling)"),
    ("--direction=ae --mask_ratio=0 --mask_last_prob=0", "mask_ratio: 0 (from --mask_ratio) and "
     "mask_last_prob: 0 (from --mask_last_prob): AE without masks"),
    ("--direction=ae --MAX_ITEM_LIST_LENGTH=1", "leaves no item beside [MASK]"),
    ("--direction=ae --mask_after_softmax=true", "masks the future, which direction: 'ae' (from "),
    ("--padding_as_class=true --loss_type=gBCE", "needs loss_type: CE, not loss_type: 'gBCE'"),
    ("--transform=mask_itemseq", "is for RecBole's sequential models, not FPARec"),
    ("--clip_grad_norm=0", "must be a number > 0 or a mapping or null"),
    ("--clip_grad_norm={norm: 1}", "has the unknown key 'norm'; did you mean 'max_norm'?"),
    ("--clip_grad_norm={max_norm: -1}", "has max_norm: -1, which must be a number > 0"),
    ("--clip_grad_norm={norm_type: 2}", "needs max_norm"),
    ("--clip_grad_norm={max_norm: .inf}", "has max_norm: inf, which must be a number > 0"),
    ("--clip_grad_norm={max_norm: 1, norm_type: info}", "has norm_type: 'info', which must be a "
     "number > 0 or inf"),
    ("--clip_grad_norm={max_norm: 1, norm_type: .nan}", "has norm_type: nan, which must be a "
     "number > 0 or inf"),
    # evaluation
    ("--metrics=[Hit,AUC]", "metrics (from --metrics) has the unknown metric 'AUC'; there are Hit"),
    ("--metrics=ndgc", "has the unknown metric 'ndgc'; did you mean 'NDCG'?"),
    ("--metrics=[]", "names no metric"),
    ("--topk=[]", "has no cut-off"),
    ("--metrics=[Hit] --valid_metric=NDCG@10", "valid_metric: 'NDCG@10' (from --valid_metric) "
     "needs one of metrics: ['Hit'] (from --metrics)"),
    ("--topk=[5] --valid_metric=NDCG@7", "needs a cut-off of topk: [5] (from --topk)"),
    ("--valid_metric=NDGC@10", "needs one of metrics: ['Hit', 'NDCG', 'MRR'] (from"),
    ("--valid_metric=NDCG@0", "needs a cut-off of topk: [5, 10, 20] (from properties/"),
    ("--eval_args={mode: {valid: uni100}}", "has mode: {'valid': 'uni100', 'test': 'full'}, w"),
    ("--valid_metric=NDCG@10_masked", "must be <metric>@<k> or <metric>@<k>_seen_masked"),
    ("--valid_metric=NDCG", "must be <metric>@<k>"),
    ("--metrics=[Hit,GiniIndex] --valid_metric=giniindex@10_seen_masked", "is one of the lists, "
     "which have seen items kept alone"),
    ("--valid_metric_bigger=false", "follows from valid_metric: 'NDCG@10'"),
    ("--eval_args={split: {RS: [8,1,1]}}", "eval_args (from --eval_args) has split: "
     "{'RS': [8, 1, 1]}, which must be {LS: valid_and_test}"),
    ("--eval_args={split: {LS: valid_only}}", "which must be {LS: valid_and_test}"),
    ("--eval_args={order: RO}", "has order: 'RO', which must be TO"),
    ("--eval_args={mode: uni100}", "has mode: 'uni100', which must be full"),
    ("--eval_args={spilt: {}}", "has the unknown key 'spilt'; did you mean 'split'?"),
    ("--repeatable=false", "must be true for a sequential model"),
    # data
    ("--load_col={inter: [user_id, item_id]}", "must load timestamp of inter: the evaluation needs "
     "user, item and time"),
    ("--load_col={item: [item_id]}", "must load user_id, item_id, timestamp of inter"),
    ("--load_col={inter: user_id}", "which must be a list of names or '*'"),
    ("--load_col={inter: '*', itme: '*'}", "has the unknown file suffix 'itme'; did you mean "
     "'item'?"),
    ("--unused_col={users: [age]}", "has the unknown file suffix 'users'; did you mean 'user'?"),
    ("--unload_col={inter: [rating]}", "cannot stand beside load_col"),
    ("--load_col=null --unload_col={inter: [timestamp]}", "drops timestamp"),
    ("--ITEM_ID_FIELD=user_id", "must differ from USER_ID_FIELD: 'user_id' (from RecBole's"),
    ("--ITEM_LIST_LENGTH_FIELD=item_id", "must differ from ITEM_ID_FIELD: 'item_id' (from"),
    ("--LABEL_FIELD=user_id", "must differ from USER_ID_FIELD"),
    ("--TIME_FIELD=item_id_list", "is what the list of items is called"),
    ("--log_wandb=true", "is refused: a run logs to TensorBoard"),
    ("--learner=sparse_adam", "must be one of adam"),
    ("--torch_threads=99999999999", "must be a whole number in [1, 1024]"),
    ("--user_inter_num_interval=[5,inf", "must be an interval such as [5,inf) or (2,10]"),
    ("--user_inter_num_interval=[9,5]", "must be an interval"),
    ("--val_interval={rating: '[4,inf)'}", "val_interval (from --val_interval) has the column "
     "'rating', which load_col does not load: {inter: [user_id, item_id, timestamp, rating]} woul"),
    ("--threshold={rating: 3}", "threshold (from --threshold) has the column 'rating', which load"),
    ("--val_interval={timestamp: []}", "has timestamp: [], which must be an interval such"),
    ("--val_interval={timestamp: [3]}", "which must be text or a list of names"),
    ("--nproc=2", "for model FPARec: a run is one process, on one device"),
    ("--embedding_size=32", "for model FPARec; its name here is 'hidden_size'"),
    ("--leave_one_num=2", "its name here is 'eval_args'"),
    ("--device=cpu", "unknown key 'device' (from --device) for model FPARec; its name here "
     "is 'use_gpu'"),
    ("--lr=0.1", "its name here is 'learning_rate'"),
    ("--val_interval={rating: '>3'}", "has rating: '>3', which must be an interval"),
    ("--threshold={rating: high}", "has 'rating': 'high', which must be a number"),
    ("--field_separator=", "field_separator: '' (from --field_separator) must not be empty"),
    ("--encoding=utf9", "is no text encoding"),
    # the command line itself
    ("FPARec", "unexpected argument 'FPARec'; settings are --key=value"),
    ("--seed", "'--seed' has no value; write --seed=value"),
    ("--=3", "has no key"),
    ("--seed=1 --seed=2", "--seed is given twice, as '1' and as '2'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), OURS, ids=[case[0] for case in OURS])
def test_command_line(arguments: str, expected: str) -> None:
    parts = arguments.replace(" --", "\n--").split("\n")
    assert expected in message(cli_args=parts)


NAMES = [
    ("FPARc", "x", "unknown model 'FPARc' (from the model argument); did you mean 'FPARec'?"),
    ("sasrec", "x", "did you mean 'SASRec'?"),
    ("qqqqqq", "x", "`python -m recbole_ext models` lists all"),
    (None, "x", "no model given: add --model=NAME, or 'model: NAME' to a config file"),
    ("FPARec", None, "no dataset given: add --dataset=NAME, or 'dataset: NAME' to a config file"),
    ("LightGBM", "x", "model 'LightGBM' scores labelled rows only; it cannot rank all items"),
    (int, "x", "the class int is no recommender"),
    (3, "x", "model: 3 (from the model argument) must be a name"),
    ("FPARec", "a/b", "must be the name of a folder in data_path, not a path"),
    ("FPARec", "..", "must be the name of a folder in data_path, not a path"),
]


@pytest.mark.parametrize(("model", "dataset", "expected"), NAMES)
def test_model_and_dataset(model: Any, dataset: Any, expected: str) -> None:
    assert expected in message(model, dataset)


def test_a_path_as_data_set_reads_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("seed: [", encoding="utf-8")
    assert "must be the name of a folder" in message("FPARec", str(tmp_path / "x"))


def test_model_from_the_command_line() -> None:
    text = message(None, cli_args=["--model=FParec"])
    assert text == "unknown model 'FParec' (from --model); did you mean 'FPARec'?"


# Twelve lists, each of nine times the one before.
_LISTS = [f"&{name} [{','.join([f'*{before}'] * 9)}]" for before, name in pairwise("abcdefghijkl")]
BOMB = f"metrics: [&a [1], {', '.join(_LISTS)}]\n".encode()

FILES = [
    (b"seed: 1\nepochs: 2\nseed: 3\n", "my.yaml:3: the key 'seed' stands there twice"),
    (b"eval_args:\n  order: TO\n  order: TO\n", "my.yaml:3: the key 'order' stands there twice"),
    (b"seed: 1\nepochs: [2\ntopk: 5\n", "my.yaml:3: expected ',' or ']'"),
    (b"eval_args:\n\torder: TO\n", "my.yaml:2: found character '\\t'"),
    (b"seed: 1\n---\nseed: 2\n", "my.yaml:2: but found another document"),
    (b"- a\n- b\n", "my.yaml must hold 'key: value' lines, not a list"),
    (b"just text\n", "my.yaml must hold 'key: value' lines, not a text"),
    (b"seed: \xff\n", "my.yaml is not UTF-8 text: byte 6 is 0xff"),
    (b"seed: 1\x00\n", "my.yaml: special characters are not allowed"),
    (b"seed: !!python/object/apply:os.getcwd []\n", "my.yaml:1: could not determine a constructor"),
    (b"seed: &a [*a]\n", "is nested too deeply"),
    (BOMB, "(from my.yaml) holds more than 100,000 values; it must be"),
    (b"seed: " + b"[" * 3000, "my.yaml is nested too deeply"),
    (b"run_dir: 2020-13-45\n", "my.yaml:1: month must be in 1..12"),
    (b"run_dir: 2020-12-24\n", "is of type date, not a plain value; it must be text or null"),
    (b"on: 1\n", "my.yaml: the key true must be text; write it in quotes"),
    (b"learning_rate: '0.1'\n", "learning_rate: '0.1' (from my.yaml) must be a number > 0"),
    (b"learning_rate: .inf\n", "learning_rate: inf (from my.yaml) must be a number > 0"),
    (b"learning_rte: 1\n", "unknown key 'learning_rte' (from my.yaml) for model FPARec"),
    (b"epochs: yes\n", "epochs: true (from my.yaml) must be a whole number >= 1"),
    (b"load_col: {inter: [user_id, item_id, timestamp], item: [.nan]}\n", "load_col"),
]


@pytest.mark.parametrize(("content", "expected"), FILES)
def test_files(
    content: bytes, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_bytes(content)
    assert expected in message(config_file_list=["my.yaml"])


def test_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fast.yaml").touch()
    assert "'fats.yaml' does not exist; did you mean 'fast.yaml'?" in message(
        config_file_list=["fats.yaml"]
    )
    assert "nor does its folder 'confs'" in message(cli_args=["--config_files=confs/a.yaml"])
    assert "config file '.' is a folder" in message(config_file_list=["."])
    assert "cannot be read: embedded null byte" in message(config_file_list=["a\0b"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"seed": object}, "(from config_dict) is of type type, not a plain value"),
        ({3: 1}, "config_dict: the key 3 must be text"),
        ([1], "config_dict must be a mapping, not [1]"),
        ({"load_col": {"inter": [1]}}, "load_col (from config_dict) has 'inter': [1]"),
        ({"seed": {1, 2}}, "is of type set, not a plain value"),
    ],
)
def test_config_dict(given: Any, expected: str) -> None:
    assert expected in message(config_dict=given)


def test_unprintable_text_is_escaped() -> None:
    text = message(cli_args=["--a\nb\ud800=1"])
    assert "unknown key 'a\\nb\\ud800'" in text
    assert text.isprintable()


def test_long_values_are_cut() -> None:
    assert len(message(config_dict={"seed": "x" * 10_000})) < 200
    assert "a huge int" in message(config_dict={"seed": 16**9000})


def test_nothing_is_evaluated(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    assert "must be a whole number" in message(cli_args=[f"--seed=open({str(proof)!r}, 'w')"])
    assert not proof.exists()
