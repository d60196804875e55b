"""The table of all keys that any model may have: RecBole's and this library's.

Those of :data:`OWN` belong to the models whose YAML sets them. Further keys of RecBole's
built-in models are read from RecBole's own files (builtin.py).
"""

from __future__ import annotations

from functools import partial
from importlib import import_module

from recbole_ext.config.schema import Key

# Of the recommended lists; with seen items kept alone.
LIST_METRICS = (
    "ItemCoverage",
    "AveragePopularity",
    "ShannonEntropy",
    "GiniIndex",
    "TailPercentage",
)
SEEN_MASKED = "_seen_masked"  # ending of a metric whose candidates leave out the seen items
IPS = "_ips"  # ending, before that one, of a metric that weighs users (eval_ips_exponent)
METRICS = ("Hit", "NDCG", "MRR", "Recall", "Precision", "MAP", *LIST_METRICS)
_LEARNERS = ("adam", "adamw", "sgd", "adagrad", "rmsprop")
_STATES = ("INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL")
_TRANSFORMS = ("mask_itemseq", "inverse_itemseq", "crop_itemseq", "reorder_itemseq")
_AUTO = ("auto", True, False)
_POSITIVE = "[1, inf)"
_COUNT = "[0, inf)"
_ABOVE_0 = "(0, inf)"
_BELOW_1 = "[0, 1)"
_SHARE = "[0, 1]"

SAMPLED_LOSSES = ("BCE", "BPR", "gBCE", "sampled_softmax")
SAMPLINGS = ("uniform", "popularity", "in_batch", "mixed")
TASKS = ("next_item", "next_user")
SHARINGS = ("auto", "batch", "position")
CODES = ("rq", "pq", "random", "attributes")

# Where and on what a run happens, and by which chance: no setting of the experiment.
CIRCUMSTANCES = (
    "seed",
    "run_dir",
    "data_path",
    "checkpoint_dir",
    "torch_threads",
    "show_progress",
    "gpu_id",
    "use_gpu",
)
# What changes neither a trained model's weights nor the data that it has learned from.
GIVEN_ANEW = (
    *("data_path", "pretrained_items", "use_gpu", "gpu_id", "torch_threads", "show_progress"),
    *("metrics", "topk", "valid_metric", "tail_ratio"),
    *("eval_users", "eval_ips_exponent", "eval_batch_size"),
)

GENERAL = {
    "gpu_id": Key(
        "str|int|ints", "which of the visible GPUs, '' for none; with `use_gpu: false` always none"
    ),
    "use_gpu": Key("bool", "false: compute on the CPU"),
    "worker": Key("int", "processes that load data", _COUNT),
    "seed": Key("int", "seed of every random number", "[0, 4294967295]"),
    "state": Key("str", "how much is logged", choices=_STATES, fold=True),
    "reproducibility": Key(
        "bool", "cuDNN's deterministic kernels; other sums of a GPU may still vary in a last bit"
    ),
    "data_path": Key("str", "folder of the data sets' folders"),
    "checkpoint_dir": Key("str", "folder of the run folders"),
    "show_progress": Key("bool", "progress bars"),
    "save_dataset": Key("bool", "RecBole's cache of the filtered data"),
    "dataset_save_path": Key("str|null", "file of that cache"),
    "save_dataloaders": Key("bool", "RecBole's cache of its loaders"),
    "dataloaders_save_path": Key("str|null", "file of that cache"),
    "log_wandb": Key("bool", "log to Weights & Biases"),
    "wandb_project": Key("str", "its project"),
    "run_dir": Key("str|null", "folder of this run; null: a new one in checkpoint_dir"),
    "torch_threads": Key("int|null", "CPU threads; null: torch's choice", "[1, 1024]"),
}

TRAINING = {
    "epochs": Key("int", "the most epochs trained", _POSITIVE),
    "train_batch_size": Key("int", "sequences (or rows) a batch", _POSITIVE),
    "learner": Key("str", "the optimiser", choices=_LEARNERS, fold=True),
    "learning_rate": Key("float", "its step size", _ABOVE_0),
    "adam_beta1": Key("float", "Adam's decay of the mean", _BELOW_1),
    "adam_beta2": Key("float", "Adam's decay of the square", _BELOW_1),
    "adam_eps": Key("float", "Adam's epsilon", _ABOVE_0),
    "fused_optimizer": Key("str|bool", "torch's fused optimiser", choices=_AUTO),
    "lr_schedule": Key("str", "after the warm-up", choices=("constant", "linear", "cosine")),
    "warmup_steps": Key("int", "steps of linear warm-up", _COUNT),
    "warmup_epochs": Key("float", "the same in epochs; not both", _COUNT),
    "min_lr_ratio": Key("float", "the schedule's end, relative to learning_rate", "[0, 1]"),
    "train_neg_sample_args": Key("dict|null", "RecBole's negatives; null for loss_type CE"),
    "eval_step": Key("int", "epochs between two evaluations; 0: none", _COUNT),
    "stopping_step": Key("int", "evaluations without a gain before the stop", _COUNT),
    "clip_grad_norm": Key("float|dict|null", "the largest gradient norm", _ABOVE_0, infinite=True),
    "weight_decay": Key("float", "L2 penalty", _COUNT),
    "loss_decimal_place": Key("int", "decimals of the loss shown", _COUNT),
    "require_pow": Key("bool", "power in RecBole's EmbLoss"),
    "enable_amp": Key("bool", "RecBole's mixed precision"),
    "enable_scaler": Key("bool", "its gradient scaler"),
    "shuffle": Key("bool", "shuffle the training data each epoch"),
    "transform": Key("str|null", "RecBole's batch transform", choices=_TRANSFORMS),
    "loss_precision": Key("str", "of the logits", choices=("auto", "float32", "bfloat16")),
    "loss_chunk_size": Key("int|null", "positions a chunk of the loss; null: cache", _POSITIVE),
    "train_objective": Key(
        "str", "which positions bear loss", choices=("all_positions", "last_position")
    ),
    "long_sequences": Key(
        "str", "histories beyond MAX_ITEM_LIST_LENGTH", choices=("truncate", "chunk")
    ),
    "batch_by": Key("str", "rows of a batch", choices=("similar_length", "equal_length")),
    "trim_batches": Key("str|bool", "trim a batch to its longest sequence", choices=_AUTO),
}

EVALUATION = {
    "eval_args": Key("dict", "split, order, group_by and mode of the evaluation"),
    "repeatable": Key("bool", "seen items may be recommended"),
    "metrics": Key("str|strs", "the metrics"),
    "topk": Key("int|ints", "their cut-offs", _POSITIVE),
    "valid_metric": Key(
        "str", "what early stopping watches, e.g. NDCG@10, NDCG@10_seen_masked, NDCG@10_ips"
    ),
    "valid_metric_bigger": Key("bool", "follows from valid_metric"),
    "eval_batch_size": Key("int", "users (or rows) ranked at once", _POSITIVE),
    "metric_decimal_place": Key("int", "decimals of the metrics shown", _COUNT),
    "tail_ratio": Key("float|null", "share (above 1: number) of tail items", _ABOVE_0),
    "split_protocol": Key("str", "leave-one-out's details", choices=("paper", "recbole")),
    "holdout": Key("int", "items held out of each user's end; the test is on the first", _POSITIVE),
    "eval_ips_exponent": Key("float|null", "metrics weighted by 1/count^this beside", _COUNT),
    "eval_users": Key("int|null", "that many random users, always the same; null: all", _POSITIVE),
}

DATA = {
    "task": Key("str", "what comes next; next_user: of an item", choices=TASKS),
    "field_separator": Key("str", "between the columns of a file"),
    "seq_separator": Key("str", "within a sequence column"),
    "encoding": Key("str|null", "of the data files"),
    "USER_ID_FIELD": Key("str", "column of the user"),
    "ITEM_ID_FIELD": Key("str", "column of the item"),
    "RATING_FIELD": Key("str", "column of the rating"),
    "TIME_FIELD": Key("str", "column of the time"),
    "LABEL_FIELD": Key("str", "name of generated labels"),
    "NEG_PREFIX": Key("str", "prefix of negative fields"),
    "ITEM_LIST_LENGTH_FIELD": Key("str", "name of the sequence length"),
    "LIST_SUFFIX": Key("str", "suffix of sequence fields"),
    "POSITION_FIELD": Key("str", "name of the position field"),
    "MAX_ITEM_LIST_LENGTH": Key("int", "items of a history that the model sees", _POSITIVE),
    "HEAD_ENTITY_ID_FIELD": Key("str", "column of a triple's head"),
    "TAIL_ENTITY_ID_FIELD": Key("str", "column of a triple's tail"),
    "RELATION_ID_FIELD": Key("str", "column of a triple's relation"),
    "ENTITY_ID_FIELD": Key("str", "column of the entity"),
    "seq_len": Key("dict|null", "longest kept, by sequence column"),
    "threshold": Key("dict|null", "label 1 from which value, by column"),
    "numerical_features": Key("strs|null", "number columns to embed"),
    "discretization": Key("dict|null", "RecBole's discretisation"),
    "load_col": Key("dict|null", "columns to load, by file suffix; null: all"),
    "unload_col": Key("dict|null", "columns not to load, by file suffix"),
    "unused_col": Key("dict|null", "columns loaded for filters only, by file suffix"),
    "additional_feat_suffix": Key("str|strs|null", "further data files"),
    "rm_dup_inter": Key("str|null", "which of repeated pairs to keep", choices=("first", "last")),
    "val_interval": Key("dict|null", "interval or list of allowed values, by column"),
    "filter_inter_by_user_or_item": Key("bool", "drop interactions of unknown users and items"),
    "user_inter_num_interval": Key("str|null", "interactions a user must have, e.g. [5,inf)"),
    "item_inter_num_interval": Key("str|null", "interactions an item must have, e.g. [5,inf)"),
    "entity_kg_num_interval": Key("str|null", "triples an entity must have"),
    "relation_kg_num_interval": Key("str|null", "triples a relation must have"),
    "kg_reverse_r": Key("bool", "add reversed relations"),
    "alias_of_user_id": Key("strs|null", "columns with the user's ids"),
    "alias_of_item_id": Key("strs|null", "columns with the item's ids"),
    "alias_of_entity_id": Key("strs|null", "columns with the entity's ids"),
    "alias_of_relation_id": Key("strs|null", "columns with the relation's ids"),
    "preload_weight": Key("dict|null", "vectors by id column"),
    "normalize_field": Key("strs|null", "number columns to normalise"),
    "normalize_all": Key("bool|null", "normalise all number columns"),
    "benchmark_filename": Key("strs|null", "suffixes of files split beforehand"),
}


def _names(module: str, registry: str) -> tuple[str, ...]:
    """The names in a registry of ``nn``, looked up late: it needs torch."""
    return tuple(getattr(import_module(f"recbole_ext.nn.{module}"), registry))


mixers = partial(_names, "attention", "MIXERS")
_local_attentions = partial(_names, "attention.local", "LOCAL_HEADS")
_position_biases = partial(_names, "attention.dot_product", "POSITION_BIASES")
_patterns = partial(_names, "attention.fixed", "PATTERNS")
_activations = partial(_names, "feed_forward", "ACTIVATIONS")
_consistencies = partial(_names, "duality.consistency", "CONSISTENCIES")
_stopped_sides = partial(_names, "duality.consistency", "STOPPED_SIDES")


def position_only_mixers() -> tuple[str, ...]:
    """Those whose weights depend on positions alone."""
    from recbole_ext.nn.attention import MIXERS, PositionOnlyMixer

    return tuple(name for name, mixer in MIXERS.items() if issubclass(mixer, PositionOnlyMixer))


ARCHITECTURE = {
    "direction": Key("str", "next items (ar) or cloze (ae)", choices=("ar", "ae")),
    "mask_ratio": Key("float|null", "share of a sequence that ae hides", _SHARE),
    "mask_last_prob": Key("float|null", "how often ae hides the last item alone", _SHARE),
    "loss_type": Key("str", "the loss", choices=("CE", *SAMPLED_LOSSES)),
    "n_negatives": Key("int|null", "negatives of a sampled loss", _POSITIVE),
    "negative_sampling": Key("str|null", "where they come from", choices=SAMPLINGS),
    "negatives_shared": Key("str|null", "one draw a batch or position", choices=SHARINGS),
    "popularity_exponent": Key("float|null", "of popularity: q ~ count^this", _COUNT),
    "in_batch_share": Key("float|null", "of mixed: negatives out of the batch", "(0, 1)"),
    "gbce_t": Key("float|null", "calibration of gBCE; 0 is BCE", _SHARE),
    "logq_correction": Key("bool|null", "sampled_softmax less log expected counts"),
    "exclude_history": Key("bool|null", "no negatives out of the position's own history"),
    "ips_exponent": Key("float", "targets weigh 1/count^this; 0: all alike", _COUNT),
    "ips_clip": Key("float|null", "the largest such weight, of mean 1; null: none", "[1, inf)"),
    "attention": Key("str|strs", "how positions are mixed; several: their sum", choices=mixers),
    "attention_shares": Key(
        "floats|null", "what the mixers of a sum are multiplied by, in their order; null: 1"
    ),
    "position_bias": Key("str", "of the scores of dot_product", choices=_position_biases),
    "factor_rank": Key("int", "k of factorized_positional", _POSITIVE),
    "attention_pattern": Key(
        "str",
        "of fixed_pattern",
        choices=_patterns,
    ),
    "attention_sum": Key(
        "str",
        "of mixers: their outputs, or sublayers with a residual and LayerNorm each",
        choices=("outputs", "sublayers"),
    ),
    "filter_direction": Key(
        "str", "what frequency_filter sees beside its own slot", choices=("past", "both")
    ),
    "filter_frequencies": Key("int", "c: frequencies that frequency_filter keeps", _POSITIVE),
    "n_local_heads": Key("int", "heads of dot_product, the first ones, that are local", _COUNT),
    "local_attention": Key("str", "what makes them local", choices=_local_attentions),
    "local_window": Key("int", "w: slots on each side that they see; of rnn: slots", _POSITIVE),
    "n_layers": Key("int", "blocks", _POSITIVE),
    "n_heads": Key("int", "heads; must divide hidden_size", _POSITIVE),
    "hidden_size": Key("int", "width d", _POSITIVE),
    "inner_size": Key("int", "width of the feed-forward network", _POSITIVE),
    "hidden_act": Key("str", "its activation", choices=_activations),
    "hidden_dropout_prob": Key("float", "dropout of embeddings and networks", _BELOW_1),
    "attn_dropout_prob": Key("float", "dropout of the attention weights", _BELOW_1),
    "mixer_dropout_prob": Key("float", "dropout of the attention's output", _BELOW_1),
    "layer_norm_eps": Key("float", "epsilon of LayerNorm", _ABOVE_0),
    "initializer_range": Key("float", "std of the initial weights", _ABOVE_0),
    "norm_position": Key("str", "LayerNorm before or after", choices=("pre", "post")),
    "position_embedding": Key("str", "added to the items", choices=("none", "learned")),
    "scale_embedding": Key("bool", "item embeddings times sqrt(d) at the input"),
    "attn_output_projection": Key("bool", "a linear layer after the attention"),
    "mask_after_softmax": Key("bool", "rows are not renormalised (paper's Eq. 6)"),
    "value_input": Key("str", "what V is made of", choices=("normed", "raw")),
    "value_bias": Key("bool", "a bias in V"),
    "ffn_placement": Key("str", "feed-forward networks", choices=("per_block", "final")),
    "residual_from": Key("str", "what the residual adds", choices=("input", "normed")),
    "unused_qk_projections": Key("bool", "the released code's idle Q and K"),
    "remask_padding": Key("bool", "zero padded positions after each block"),
    "padding_as_class": Key("bool", "PAD is a class of the softmax"),
    "mask_padding": Key("bool", "the attention sees no padded positions"),
    "position_at_padding": Key("bool", "positions are added to padding too"),
    "padding_row": Key("str", "PAD's item vector", choices=("zero", "learned")),
    "score": Key("str", "of a state and an item", choices=("dot", "cosine")),
    "score_temperature": Key("float", "cosines are divided by it", _ABOVE_0),
    "user_embedding": Key("str", "put behind the item's (SSE-PT)", choices=("none", "concat")),
    "sse_item_prob": Key("float", "input items replaced by random ones, in training", _SHARE),
    "sse_user_prob": Key("float", "users replaced by random ones, in training", _SHARE),
    "sse_target_prob": Key("float", "targets replaced by random items, in training", _SHARE),
    "item_features": Key("strs|null", "columns of the .item file that describe items"),
    "feature_combination": Key("str", "of an item's vectors", choices=("sum", "concat")),
    "score_with_features": Key("bool", "items are scored with features and pretrained vectors"),
    "item_id_embedding": Key("bool", "a learned vector for each item"),
    "pretrained_items": Key("str|null", "file of item vectors"),
    "pretrained_frozen": Key("bool", "they stay as they are"),
    "pretrained_unknown": Key(
        "str", "its items that the data set lacks", choices=("error", "skip")
    ),
}

TOKENS = {
    "codes": Key("str", "how items become codes (TokenizedSASRec)", choices=CODES),
    "n_codes": Key("int|null", "M: codes of an item", _POSITIVE),
    "codebook_size": Key("int", "K: codes to choose from, a level", "[2, inf)"),
    "code_combination": Key("str", "of an item's code vectors", choices=("sum", "concat")),
}

DUALITY = {
    "dual_weight": Key("float", "of the consistency in the loss; 0: none", _COUNT),
    "dual_items": Key("int", "distinct items of a batch that it is measured on", _POSITIVE),
    "max_users": Key("int", "newest users of an item that make its dual vector", _POSITIVE),
    "dual_layers": Key("int", "blocks of the dual encoder", _POSITIVE),
    "consistency": Key("str", "of item and dual vector", choices=_consistencies),
    "dual_temperature": Key("float|null", "of infonce: cosines are divided by it", _ABOVE_0),
    "dual_stop_gradient": Key("str", "side that it does not train", choices=_stopped_sides),
}

BACKBONE = {
    "backbone": Key("str", "a model_type of transformers, such as llama"),
    "backbone_config": Key("dict|null", "further attributes of its configuration"),
}

ANY_MODEL: dict[str, Key] = {**GENERAL, **TRAINING, **EVALUATION, **DATA}
OWN: dict[str, Key] = {**ARCHITECTURE, **TOKENS, **DUALITY, **BACKBONE}
TABLE: dict[str, Key] = {**ANY_MODEL, **ARCHITECTURE}
