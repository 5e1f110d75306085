"""Event patterns: which events they match, and which patterns are none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.app.patterns import BadPattern, compiled

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "detail-type": "Order Placed",
    "source": "shop",
    "account": "123456789012",
    "time": "2026-11-21T10:00:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:s3:::one", "arn:aws:s3:::two"],
    "detail": {
        "state": "running",
        "empty": "",
        "none": None,
        "yes": True,
        "count": 5,
        "price": 300.0,
        "large": 5_000_000_001,
        "ip": "10.0.0.33",
        "ip6": "2001:db8::1",
        "path": "dir/lib/image.PNG",
        "star": "a*b\\c",
        "nothing": [],
        "tags": ["a", 1, None, ["b"]],
        "items": [{"sku": "x", "quantity": 1}, {"sku": "y", "quantity": 2}],
        "deep": {"er": {"est": "here"}},
        "dotted.name": "dot",
    },
}


def detail(pattern: Any) -> dict[str, Any]:
    return {"detail": pattern}


MATCHING: list[dict[str, Any]] = [
    {"source": ["shop"]},
    {"source": ["other", "shop"], "detail-type": ["Order Placed"]},
    {"resources": ["arn:aws:s3:::two"]},
    {"resources": [{"prefix": "arn:aws:s3"}]},
    {"account": ["123456789012"]},
    detail({"empty": [""]}),
    detail({"none": [None]}),
    detail({"yes": [True]}),
    detail({"count": [5]}),
    detail({"count": [5.0]}),
    detail({"price": [300]}),
    detail({"price": [3.0e2, "x"]}),
    detail({"tags": ["a"]}),
    detail({"tags": [1]}),
    detail({"tags": [None]}),
    detail({"tags": ["b"]}),
    detail({"state": [{"exactly": "running"}]}),
    detail({"state": [{"prefix": "run"}]}),
    detail({"state": [{"prefix": ""}]}),
    detail({"state": [{"prefix": {"equals-ignore-case": "RUN"}}]}),
    detail({"path": [{"suffix": ".PNG"}]}),
    detail({"path": [{"suffix": {"equals-ignore-case": ".png"}}]}),
    detail({"state": [{"equals-ignore-case": "RuNNing"}]}),
    detail({"empty": [{"equals-ignore-case": ""}]}),
    detail({"path": [{"wildcard": "*"}]}),
    detail({"path": [{"wildcard": "dir/*/*.PNG"}]}),
    detail({"path": [{"wildcard": "dir/lib/image.PNG"}]}),
    detail({"star": [{"wildcard": "a\\*b\\\\*"}]}),
    detail({"star": ["a*b\\c"]}),
    detail({"empty": [{"wildcard": "*"}]}),
    detail({"state": [{"anything-but": "stopped"}]}),
    detail({"state": [{"anything-but": ["stopped", "failed"]}]}),
    detail({"state": [{"anything-but": 5}]}),
    detail({"count": [{"anything-but": 6}]}),
    detail({"count": [{"anything-but": [6, 7]}]}),
    detail({"count": [{"anything-but": "5"}]}),
    detail({"none": [{"anything-but": "x"}]}),
    detail({"none": [{"anything-but": {"prefix": "x"}}]}),
    detail({"count": [{"anything-but": {"prefix": "5"}}]}),
    detail({"state": [{"anything-but": {"prefix": "init"}}]}),
    detail({"state": [{"anything-but": {"prefix": ["init", "stop"]}}]}),
    detail({"state": [{"anything-but": {"suffix": ["ed"]}}]}),
    detail({"state": [{"anything-but": {"equals-ignore-case": ["STOPPED"]}}]}),
    detail({"state": [{"anything-but": {"wildcard": "*/lib/*"}}]}),
    detail({"state": [{"anything-but": {"wildcard": ""}}]}),
    detail({"tags": [{"anything-but": "a"}]}),  # another one is not
    detail({"count": [{"numeric": ["=", 5]}]}),
    detail({"count": [{"numeric": [">", 0, "<=", 5]}]}),
    detail({"price": [{"numeric": [">=", 299.5]}]}),
    detail({"ip": [{"cidr": "10.0.0.0/24"}]}),
    detail({"ip": [{"cidr": "10.0.0.77/24"}]}),
    detail({"ip6": [{"cidr": "2001:db8::/32"}]}),
    detail({"state": [{"exists": True}]}),
    detail({"none": [{"exists": True}]}),
    detail({"empty": [{"exists": True}]}),
    detail({"other": [{"exists": False}]}),
    detail({"other": {"one": [{"exists": False}]}}),
    detail({"nothing": [{"exists": False}]}),
    detail({"deep": [{"exists": False}]}),  # it is no leaf
    detail({"state": {"below": [{"exists": False}]}}),
    detail({"other": ["x", {"exists": False}]}),
    detail({"state": ["running", {"exists": False}]}),
    detail({"items": {"sku": ["y"], "quantity": [2]}}),
    detail({"deep.er": {"est": ["here"]}}),
    {"detail.deep.er.est": ["here"]},
    detail({"dotted.name": ["dot"]}),
    detail({"dotted": {"name": ["dot"]}}),
    {"$or": [{"source": ["other"]}, {"region": ["eu-west-1"]}]},
    detail({"state": ["running"], "$or": [{"count": [1]}, {"price": [300], "yes": [True]}]}),
    detail({"$or": [{"count": [1]}, {"$or": [{"count": [2]}, {"count": [5]}]}]}),
]

OTHERS: list[dict[str, Any]] = [
    {"source": ["Shop"]},
    {"source": ["shop"], "region": ["us-east-1"]},
    {"Source": ["shop"]},
    {"resources": [{"prefix": "arn:aws:sqs"}]},
    {"account": [123456789012]},
    {"detail": ["running"]},
    detail({"empty": [None]}),
    detail({"none": [""]}),
    detail({"yes": [1, "true", False]}),
    detail({"count": [True, "5"]}),
    detail({"nothing": [None]}),
    detail({"state": [{"prefix": "RUN"}]}),
    detail({"count": [{"prefix": "5"}]}),
    detail({"count": [{"wildcard": "*"}]}),
    detail({"path": [{"suffix": ".png"}]}),
    detail({"path": [{"wildcard": "dir/*.png"}]}),
    detail({"path": [{"wildcard": "*lib/image.PNG/*"}]}),
    detail({"state": [{"wildcard": "runn*nning"}]}),  # the ends may not overlap
    detail({"state": [{"wildcard": "*n*n*n*n*"}]}),  # there are three
    detail({"state": [{"anything-but": "running"}]}),
    detail({"state": [{"anything-but": {"prefix": "run"}}]}),
    detail({"state": [{"anything-but": {"suffix": ["x", "ing"]}}]}),
    detail({"state": [{"anything-but": {"equals-ignore-case": "RUNNING"}}]}),
    detail({"path": [{"anything-but": {"wildcard": "*/lib/*"}}]}),
    detail({"count": [{"anything-but": [5.0]}]}),
    detail({"other": [{"anything-but": "x"}]}),
    detail({"nothing": [{"anything-but": "x"}]}),
    detail({"state": [{"numeric": [">", 0]}]}),
    detail({"yes": [{"numeric": [">", 0]}]}),
    detail({"count": [{"numeric": [">", 5, "<", 9]}]}),
    detail({"large": [{"numeric": [">", 0]}]}),
    detail({"ip": [{"cidr": "10.0.1.0/24"}]}),
    detail({"ip": [{"cidr": "2001:db8::/32"}]}),
    detail({"count": [{"cidr": "10.0.0.0/24"}]}),
    detail({"state": [{"cidr": "10.0.0.0/24"}]}),
    detail({"deep": [{"exists": True}]}),
    detail({"nothing": [{"exists": True}]}),
    detail({"other": [{"exists": True}]}),
    detail({"state": [{"exists": False}]}),
    detail({"none": [{"exists": False}]}),
    detail({"items": {"sku": [{"exists": False}]}}),
    detail({"dotted": {"name": [{"exists": False}]}}),
    detail({"deep.er": {"est": [{"exists": False}]}}),
    detail({"state": ["stopped", {"exists": False}]}),
    detail({"items": {"sku": ["x"], "quantity": [2]}}),  # not of one object
    detail({"items": {"$or": [{"sku": ["z"]}, {"quantity": [3]}]}}),
    detail({"items": {"sku": ["x"], "$or": [{"quantity": [2]}, {"quantity": [3]}]}}),
    {"$or": [{"source": ["other"]}, {"region": ["us-east-1"]}]},
    detail({"state": ["stopped"], "$or": [{"count": [5]}, {"price": [1]}]}),
]


@pytest.mark.parametrize("pattern", MATCHING, ids=str)
def test_matching(pattern: dict[str, Any]) -> None:
    assert compiled(pattern)(EVENT)


@pytest.mark.parametrize("pattern", OTHERS, ids=str)
def test_not_matching(pattern: dict[str, Any]) -> None:
    assert not compiled(pattern)(EVENT)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ([], "the pattern: it must be an object"),
        ({}, "the pattern: empty objects"),
        ({"source": "shop"}, "source: it must be an object or a list"),
        ({"detail": {"count": 5}}, "detail.count: it must be an object or a list"),
        ({"source": []}, "source: empty lists"),
        ({"detail": {}}, "detail: empty objects"),
        ({"source": [["shop"]]}, r"source[0]: it must be text"),
        ({"source": ["x", {"prefix": 5}]}, "source[1]: prefix must be text"),
        ({"source": [{"Prefix": "x"}]}, "source[0]: 'Prefix' is no operator"),
        ({"source": [{"prefix": "x", "suffix": "y"}]}, "source[0]: one operator"),
        ({"source": [{}]}, "source[0]: one operator"),
        ({"source": [{"prefix": {"wildcard": "x"}}]}, "source[0]: prefix must be"),
        ({"source": [{"equals-ignore-case": {"prefix": "x"}}]}, "must be text"),
        ({"source": [{"equals-ignore-case": ["x"]}]}, "must be text"),
        ({"source": [{"wildcard": "a**b"}]}, "two * in a row"),
        ({"source": [{"wildcard": "a\\b"}]}, "backslash"),
        ({"source": [{"wildcard": "a\\"}]}, "backslash"),
        ({"source": [{"anything-but": []}]}, "anything-but"),
        ({"source": [{"anything-but": ["x", 1]}]}, "anything-but"),
        ({"source": [{"anything-but": None}]}, "anything-but"),
        ({"source": [{"anything-but": [None]}]}, "anything-but"),
        ({"source": [{"anything-but": True}]}, "anything-but"),
        ({"source": [{"anything-but": {"prefix": ""}}]}, "may not be empty"),
        ({"source": [{"anything-but": {"prefix": 5}}]}, "must be text"),
        ({"source": [{"anything-but": {"prefix": []}}]}, "empty lists"),
        ({"source": [{"anything-but": {"prefix": {"equals-ignore-case": "x"}}}]}, "must be text"),
        ({"source": [{"anything-but": {"numeric": ["=", 1]}}]}, "not 'numeric'"),
        ({"source": [{"numeric": [">"]}]}, "numeric must be a list"),
        ({"source": [{"numeric": 5}]}, "numeric must be a list"),
        ({"source": [{"numeric": ["==", 5]}]}, "'==' is none of"),
        ({"source": [{"numeric": [">", "5"]}]}, "no number"),
        ({"source": [{"numeric": [">", True]}]}, "no number"),
        ({"source": [{"numeric": ["<", 5_000_000_001]}]}, "no number"),
        ({"source": [{"numeric": ["<", 5, ">", 0]}]}, "a range has"),
        ({"source": [{"numeric": [">", 5, "<", 5]}]}, "lower limit"),
        ({"source": [{"exists": "true"}]}, "true or false"),
        ({"source": [{"cidr": "10.0.0.0"}]}, "no block"),
        ({"source": [{"cidr": "10.0.0.0/33"}]}, "no block"),
        ({"source": [{"cidr": "10.0.0.256/8"}]}, "no block"),
        ({"source": [{"cidr": 5}]}, "must be text"),
        ({"$or": [{"source": ["x"]}]}, "$or[0]: 'source' is no operator"),
        ({"$or": []}, "$or: empty lists"),
        ({"$or": [{"source": ["x"]}, {}]}, "empty objects"),
    ],
    ids=str,
)
def test_what_is_no_pattern(pattern: Any, text: str) -> None:
    with pytest.raises(BadPattern, match=re.escape(text)):
        compiled(pattern)


def test_or_may_be_a_name() -> None:
    matches = compiled({"$or": {"kind": ["x"]}})
    assert matches({"$or": {"kind": "x"}})
    assert not matches({"kind": "x"})


def test_the_combinations_of_alternatives_have_a_bound() -> None:
    many = {f"n{number}": {"$or": [{"a": [1]}, {"b": [1]}]} for number in range(10)}
    with pytest.raises(BadPattern, match="more than 1000"):
        compiled(many)


@pytest.mark.parametrize("event", [None, [], "x", {}, {"detail": None}, {"detail": "{}"}], ids=str)
def test_other_events(event: Any) -> None:
    assert not compiled(detail({"state": ["running"]}))(event)


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text("ab*\\.", max_size=3)
)
NAMES = st.text("abc", min_size=1, max_size=2)
OBJECTS = st.recursive(
    st.dictionaries(NAMES, LEAVES, min_size=1, max_size=3),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=6,
)


def exactly(value: Any) -> Any:
    return {name: exactly(one) if isinstance(one, dict) else [one] for name, one in value.items()}


@given(OBJECTS)
def test_an_event_matches_a_pattern_of_its_own_values(event: dict[str, Any]) -> None:
    assert compiled(exactly(event))(event)
    assert compiled({"$or": [exactly(event), {"never": ["x"]}]})(event)


@given(OBJECTS)
def test_dots_in_names_are_levels(event: dict[str, Any]) -> None:
    def flat(value: dict[str, Any], path: str = "") -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, one in value.items():
            result |= flat(one, f"{path}{name}.") if isinstance(one, dict) else {f"{path}{name}": one}
        return result

    pattern = exactly(event)
    assert compiled(pattern)(flat(event))
    assert compiled(exactly(flat(event)))(event)


@given(st.text("ab*", max_size=6).filter(lambda text: "**" not in text), st.text("ab", max_size=8))
def test_wildcards_match_as_regular_expressions_do(pattern: str, value: str) -> None:
    expression = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    assert compiled({"x": [{"wildcard": pattern}]})({"x": value}) == bool(expression.fullmatch(value))


@given(
    st.text("ab", max_size=3), st.sampled_from(["prefix", "suffix", "equals-ignore-case", "wildcard"]), LEAVES
)
def test_anything_but_is_the_opposite(text: str, operator: str, value: Any) -> None:
    if not text:
        return
    positive = compiled({"x": [{operator: text}]})({"x": value})
    assert compiled({"x": [{"anything-but": {operator: text}}]})({"x": value}) is not positive
