"""How to roll out, checked before anything is loaded. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from recbole_ext.checked_numbers import check_positive, check_whole
from recbole_ext.errors import ConfigError, nearest, show

DECODERS = ("greedy", "sample", "beam")
_OF_DECODER = {"temperature": "sample", "top_k": "sample", "beam_size": "beam"}


@dataclass(frozen=True)
class RolloutOptions:
    """How to predict the next ``steps`` items of each user.

    Args:
        steps: T, items predicted one after another, each from the history and those before it.
        decode: ``greedy``: the best item; ``sample``: drawn from the softmax of the scores;
            ``beam``: the best of ``beam_size`` paths by the sum of log probabilities.
        temperature: of ``sample``, divides the scores; 1 if None.
        top_k: of ``sample``, draw among that many best items; all if None.
        beam_size: of ``beam``, paths kept; 4 if None.
        seed: of ``sample``. What a user draws depends on it, on ``steps`` and on the user's place
            in what was asked, never on ``batch_size``.
        exclude_seen: never predict an item of the history or of the rollout so far.
        on_unknown, title_field, batch_size: see :class:`recbole_ext.inference.asked.Options`.

    Raises:
        ConfigError: a value that cannot be used.
    """

    steps: int = 10
    decode: str = "greedy"
    temperature: float | None = None
    top_k: int | None = None
    beam_size: int | None = None
    seed: int = 0
    exclude_seen: bool = False
    on_unknown: str = "error"
    title_field: str | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if self.decode not in DECODERS:
            near = nearest(str(self.decode), DECODERS)
            raise ConfigError(f"decode: {show(self.decode)} must be {', '.join(DECODERS)}{near}")
        for name, decoder in _OF_DECODER.items():
            if getattr(self, name) is not None and self.decode != decoder:
                raise ConfigError(f"{name} is for decode: {decoder}, not {self.decode}")
        for name in ("steps", "top_k", "beam_size", "batch_size"):
            if name == "steps" or getattr(self, name) is not None:
                check_whole(name, getattr(self, name), least=1)
        check_whole("seed", self.seed, least=0)
        if self.temperature is not None:
            check_positive("temperature", self.temperature)


def rollout_options(**given: Any) -> RolloutOptions:
    """From keywords; raises ConfigError for one that there is not, too."""
    names = [field.name for field in fields(RolloutOptions)]
    for name in given:
        if name not in names:
            hint = nearest(name, names) or f"; there are {', '.join(names)}"
            raise ConfigError(f"generate: the unknown option {show(name)}{hint}")
    return RolloutOptions(**given)
