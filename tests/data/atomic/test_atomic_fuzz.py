"""Whatever bytes a file holds: it loads, rightly, or it is one DataError."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from atomic_files import HEADER, read
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recbole_ext.config import ExtConfig
from recbole_ext.data.loading import load_data
from recbole_ext.errors import DataError

pytestmark = pytest.mark.usefixtures("quiet_place")
FUZZ = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

SMALL = HEADER + b"".join(b"u%d\ti%d\t%d\n" % (n % 4, n % 7, 1_000 + n) for n in range(24))
ITEMS = b"item_id:token\ttitle:token_seq\tprice:float\n" + b"".join(
    b"i%d\tThe %d\t%d.5\n" % (n, n, n) for n in range(7)
)
TELLING = (b"\t", b"\n", b"\r", b'"', b"\0", b",", b":", b"nan", b"inf", b"\xff", b"\xc3", b"e",
           b"-", b"", b"NA", b" ", b"\xef\xbb\xbf", b"9" * 400, b"[PAD]", b"\x1f", b"_", b"true",
           "１".encode(), b":token", b"\n\n", b"\t\t")  # fmt: skip
pieces = st.sampled_from(TELLING) | st.binary(max_size=4)


@st.composite
def mutated(draw: st.DrawFn, source: bytes) -> bytes:
    """Some bytes replaced, put in, taken out, or all the rest cut off."""
    content = source
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([0, 0, 1, 1, 2, 5, 20]))
        content = content[:place] + draw(pieces) + content[place + length :]
    return (
        content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 5)) == 0 else content
    )


def plainly(content: bytes) -> list[dict[str, str]]:
    """The rows of the lines that are not blank, read the simple way."""
    text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    header, *rest = text.split("\n")
    names = [name.partition(":")[0] for name in header.split("\t")]
    lines = [line for line in rest if line.strip() or "\t" in line]
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


@FUZZ
@given(mutated(SMALL), st.sampled_from([0, 120]))
@example(SMALL, 0)
def test_interactions(tmp_path: Path, content: bytes, block_size: int) -> None:
    try:
        frame = read(tmp_path / "d.inter", content, block_size=block_size)
    except DataError as error:
        assert str(error).isprintable()
        assert content != SMALL
        return
    assert np.isfinite(frame["timestamp"]).all()
    if b'"' not in content:
        rows = plainly(content)
        for field in ("user_id", "item_id"):
            assert list(frame[field]) == [row[field] for row in rows]
        assert frame["timestamp"].tolist() == [float(row["timestamp"]) for row in rows]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ExtConfig:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "d").mkdir()
    columns = {"inter": ["user_id", "item_id", "timestamp"], "item": "*"}
    keys = {"data_path": str(folder), "load_col": columns, "use_gpu": False}
    return ExtConfig("FPARec", "d", config_dict=keys | {"item_inter_num_interval": "[2,inf)"})


@FUZZ
@given(mutated(SMALL) | st.just(SMALL), mutated(ITEMS) | st.just(ITEMS))
@example(SMALL, ITEMS)
def test_a_data_set(config: Any, inter: bytes, items: bytes) -> None:
    folder = Path(config["data_path"])
    (folder / "d.inter").write_bytes(inter)
    (folder / "d.item").write_bytes(items)
    try:
        flat = load_data(config)
    except DataError as error:
        assert str(error).isprintable()
        assert (inter, items) != (SMALL, ITEMS)
        return
    store = flat.store
    assert store.items.min() >= 1 and store.items.max() < flat.item_num == store.n_items
    assert len(flat.inter_feat) == len(store.items) == store.lengths.sum()
    assert len(flat.item_feat) == flat.item_num
