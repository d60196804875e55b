"""What is asked for, in original tokens, checked before anything is loaded. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from recbole_ext.checked_numbers import check_positive, check_whole
from recbole_ext.errors import ConfigError, DataError, show

ON_UNKNOWN = ("error", "skip")

_FORMS = "give user tokens, as ['u1', 'u2'], or histories of item tokens, as [['i1', 'i2'], ['i3']]"


@dataclass(frozen=True)
class Options:
    """How to answer.

    Args:
        k: items for each user or history.
        exclude_seen: leave out every item of the whole history, also of the part that is older
            than ``MAX_ITEM_LIST_LENGTH``.
        on_unknown: ``error``, or ``skip`` items of a history that the model does not know.
        title_field: the column of the ``.item`` file that holds titles; None: the first of
            ``movie_title``, ``title``, ``name`` that is there; ``""``: no titles.
        batch_size: users or histories scored at once; None: the run's ``eval_batch_size``.
        max_exposure: c; of all places of the lists together no item fills more than c times its
            share of the training interactions. Lists may then be shorter. None: no bound.

    Raises:
        ConfigError: a value that cannot be used.
    """

    k: int = 10
    exclude_seen: bool = True
    on_unknown: str = "error"
    title_field: str | None = None
    batch_size: int | None = None
    max_exposure: float | None = None

    def __post_init__(self) -> None:
        check_whole("k", self.k, least=1)
        if self.batch_size is not None:
            check_whole("batch_size", self.batch_size, least=1)
        if self.max_exposure is not None:
            check_positive("max_exposure", self.max_exposure)
        if self.on_unknown not in ON_UNKNOWN:
            allowed = " or ".join(ON_UNKNOWN)
            raise ConfigError(f"on_unknown: {show(self.on_unknown)} must be {allowed}")


@dataclass(frozen=True)
class Asked:
    """Known users or new users' histories, one of the two.

    Attributes:
        users: user tokens, or None.
        histories: item tokens of each history, oldest first, or None.
        places: how an error names each of them.
    """

    users: list[str] | None
    histories: list[list[str]] | None
    places: list[str]


def asked(whom: Any = None, users: Any = None, histories: Any = None) -> Asked:
    """The Python forms: ``whom`` is told apart by its members, texts (users) or lists (histories).

    Raises:
        DataError: none or several of the three, or something that holds no tokens.
    """
    given = [form for form in (whom, users, histories) if form is not None]
    if len(given) != 1:
        raise DataError(f"{'nobody' if not given else 'too much'} to recommend for; {_FORMS}")
    members = _members(given[0])
    wants_histories = histories is not None or (users is None and _all_lists(members))
    if wants_histories:
        places = [f"histories[{row}]" for row in range(len(members))]
        pairs = zip(members, places, strict=True)
        return Asked(None, [_tokens(history, place) for history, place in pairs], places)
    places = [f"users[{row}]" for row in range(len(members))]
    return Asked([_token(user, p) for user, p in zip(members, places, strict=True)], None, places)


def _members(form: Any) -> list[Any]:
    """A single token stands for a list of one."""
    if hasattr(form, "columns"):  # a walk along a table gives the names of its columns
        raise DataError(
            "cannot recommend for a table; give a column of users, as frame['user_id'], or rows of "
            "items, as frame.values"
        )
    form = _plain(form)
    if _is_token(form):
        return [form]
    if not isinstance(form, Iterable) or isinstance(form, bytes | dict):
        raise DataError(f"cannot recommend for {show(form)}; {_FORMS}")
    return [_plain(member) for member in form]


def _plain(value: Any) -> Any:
    """Lists and numbers of NumPy, pandas and torch as Python's."""
    return value.tolist() if hasattr(value, "tolist") else value


def _all_lists(members: list[Any]) -> bool:
    return bool(members) and not any(_is_token(member) for member in members)


def _tokens(history: Any, place: str) -> list[str]:
    if _is_token(history) or not isinstance(history, Iterable) or isinstance(history, bytes):
        raise DataError(f"{place}: {show(history)} is no list of item tokens; {_FORMS}")
    return [_token(_plain(item), place) for item in history]


def _token(token: Any, place: str) -> str:
    if not _is_token(token):
        raise DataError(f"{place}: {show(token)} is no token; {_FORMS}")
    return str(token)


def _is_token(value: Any) -> bool:
    """Text, or a whole number (its digits are meant: tokens are the data set's own, never ids)."""
    return isinstance(value, str) or (isinstance(value, Integral) and not isinstance(value, bool))
