"""Reviews of Amazon and Yelp as JSON lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.data.prepare import prepare
from recbole_ext.data.prepare.json_lines import finite
from recbole_ext.data.prepare.log import FieldError

Inter = Callable[..., list[str]]
YELP = "yelp_academic_dataset_review.json"


def amazon(user: str, item: str, time: Any = 1400457600, **more: Any) -> str:
    review = {"reviewerID": user, "asin": item, "overall": 5.0, "unixReviewTime": time}
    return json.dumps({**review, "reviewText": "so\nso", **more}) + "\n"


def yelp(user: str, item: str, date: Any, **more: Any) -> str:
    review = {"review_id": "r", "user_id": user, "business_id": item, "stars": 4.0, "date": date}
    return json.dumps({**review, **more}) + "\n"


@pytest.mark.parametrize("name", ["reviews_Beauty_5.json.gz", "x.json"])
def test_amazon_reviews(inter: Inter, name: str) -> None:
    text = amazon("A1", "B1") + amazon("A2", "0001", overall=3) + amazon("A1", "B2", 1400457601)
    rows = inter(name, gzip.compress(text.encode()) if name.endswith("gz") else text)
    assert rows[1:] == ["A1\tB1\t5\t1400457600", "A2\t0001\t3\t1400457600", "A1\tB2\t5\t1400457601"]


def test_amazon_reviews_of_2023_count_milliseconds(inter: Inter) -> None:
    review = {"user_id": "U", "parent_asin": "B", "asin": "C", "rating": 5.0}
    text = json.dumps({**review, "timestamp": 1588615855070})
    assert inter("Beauty.jsonl", text)[1:] == ["U\tB\t5\t1588615855.07"]


def test_yelp_reviews_are_in_utc(inter: Inter) -> None:
    text = yelp("u-1", "_b", "2018-07-07 22:09:11") + yelp("u-1", "c", "2018-07-07")
    rows = inter("reviews.json", text)
    assert rows[1:] == ["u-1\t_b\t4\t1531001351", "u-1\tc\t4\t1530921600"]


def test_yelp_needs_no_options(raw: Callable[..., Path]) -> None:
    """5 users with 5 items in 2019 stay; what lies outside of S3-Rec's window does not."""
    text = "".join(
        yelp(f"u{u}", f"b{b}", f"2019-0{u + 1}-01 00:00:00") for u in range(5) for b in range(5)
    )
    text += yelp("u0", "b0", "2018-12-31 23:59:59") + yelp("u0", "b1", "2020-01-01 00:00:00")
    text += yelp("u5", "b0", "2019-12-31 00:00:00")
    report = prepare(raw(YELP, text), "yelp")
    assert (report.raw_interactions, report.statistics.interactions) == (28, 25)
    shown = str(report).splitlines()
    options = "min_user=5, min_item=5, since=2019-01-01, until=2019-12-31 00:00:01"
    assert shown[0] == (
        f"dataset/yelp/yelp.inter from {YELP} (format yelp; {options}; 25 of 28 interactions kept)"
    )
    assert shown[2] == "users                      5        30,431  differs"
    own = prepare(Path(YELP), "yelp", overwrite=True, min_user=0, min_item=0, since="", until="")
    assert own.statistics.interactions == 28


def test_a_published_file_is_not_filtered_again(raw: Callable[..., Path]) -> None:
    report = prepare(raw("Beauty.txt", "u1 a b\nu2 c\n"), "beauty-5core")
    assert (report.format, report.statistics.interactions) == ("sequences", 3)
    assert prepare(raw("p.txt", "u1 a\nu2 b\n"), "beauty-sasrec").format == "pairs"


@pytest.mark.parametrize("value", [True, "5", None, [1], 10**400, float("nan")])
def test_what_is_no_finite_number(value: Any) -> None:
    with pytest.raises(FieldError, match=r"^stars .* is not a finite number"):
        finite(value, "stars")
