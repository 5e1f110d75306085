from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent import AppError
from lambent.app.routing import RouteTable


def table(*templates: str) -> RouteTable[str]:
    routes: RouteTable[str] = RouteTable()
    for template in templates:
        assert routes.add("GET", template, template) is None
    return routes


def found(routes: RouteTable[str], path: str) -> tuple[str, list[str]] | None:
    match = routes.find(path)
    return None if match is None else (match[0].template, match[1])


@pytest.mark.parametrize(
    ("path", "template", "values"),
    [
        ("/", "/", []),
        ("/orders", "/orders", []),
        ("/orders/1", "/orders/{id}", ["1"]),
        ("/orders/special", "/orders/special", []),
        ("/orders/special/lines", "/orders/{id}/lines", ["special"]),
        ("/orders/1/lines/2", "/orders/{id}/lines/{line}", ["1", "2"]),
        ("/orders/a%2Fb", "/orders/{id}", ["a/b"]),
        ("/orders/%C3%BC", "/orders/{id}", ["ü"]),
        ("/orders/a%20b", "/orders/{id}", ["a b"]),
        ("/orders/a+b", "/orders/{id}", ["a+b"]),
        ("/orders/100%25", "/orders/{id}", ["100%"]),
        ("/orders/%2525", "/orders/{id}", ["%25"]),
        ("/order%73", "/orders", []),
        ("/order%73/1", "/orders/{id}", ["1"]),
        ("/files/a/b/c.txt", "/files/{path+}", ["a/b/c.txt"]),
        ("/files/a%2Fb/c", "/files/{path+}", ["a/b/c"]),
        ("/files/readme", "/files/{name}", ["readme"]),
        ("/files/x/info", "/files/{name}/info", ["x"]),
        ("/files/x/other", "/files/{path+}", ["x/other"]),
        ("/a/x/c", "/a/{one}/c", ["x"]),
        ("/a/b/d", "/{any}/b/d", ["a"]),
        ("/größe", "/größe", []),
        ("/gr%C3%B6%C3%9Fe", "/größe", []),
    ],
)
def test_paths(path: str, template: str, values: list[str]) -> None:
    routes = table(
        "/orders/{id}", "/orders/special", "/orders", "/", "/orders/{id}/lines", "/orders/{id}/lines/{line}",
        "/files/{path+}", "/files/{name}", "/files/{name}/info", "/a/b/c", "/a/{one}/c", "/{any}/b/d", "/größe",
    )  # fmt: skip
    assert found(routes, path) == (template, values)


@pytest.mark.parametrize(
    "path", ["/nothing", "/orders/", "/orders//", "/orders/1/2", "", "//", "/files", "/files/"]
)
def test_paths_that_lead_nowhere(path: str) -> None:
    assert found(table("/orders", "/orders/{id}", "/files/{path+}"), path) is None


def test_a_path_may_fit_several() -> None:
    routes = table("/orders/{id}", "/orders/special", "/{rest+}")
    assert [entry.template for entry, _ in routes.search("/orders/special")] == [
        "/orders/special",
        "/orders/{id}",
        "/{rest+}",
    ]


def test_what_the_gateway_has_matched() -> None:
    routes = table("/orders/{id}", "/files/{path+}")
    entry = routes.by_resource("/orders/{id}", {"id": "a/b"})
    assert entry is not None
    assert (entry[0].template, entry[1]) == ("/orders/{id}", ["a/b"])
    assert routes.by_resource("/orders/{id}", {"other": "1"}) is None
    assert routes.by_resource("/{proxy+}", {"proxy": "orders/1"}) is None
    assert routes.by_resource(None, {}) is None


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("orders", "slash"),
        ("/orders/", "last slash"),
        ("/a//b", "empty segment"),
        ("/orders/<id>", "no parameter"),
        ("/orders/{id", "no parameter"),
        ("/orders/{id}.json", "no parameter"),
        ("/orders/{a}/{a}", "two parameters"),
        ("/{rest+}/more", "nothing can follow"),
        ("/orders/{}", "no parameter"),
    ],
)
def test_templates_that_are_none(template: str, reason: str) -> None:
    with pytest.raises(AppError, match=reason):
        table(template)


def test_the_same_path_has_the_same_names() -> None:
    routes = table("/orders/{id}")
    with pytest.raises(AppError, match="same names"):
        routes.add("POST", "/orders/{number}", "x")
    assert routes.add("GET", "/orders/{id}", "x") == "/orders/{id}"


_SEGMENT = st.text(min_size=1).filter(lambda text: text not in (".", ".."))


@given(st.lists(_SEGMENT, min_size=1, max_size=4))
def test_any_values_come_back_as_they_were(values: list[str]) -> None:
    try:
        path = "/x/" + "/".join(quote(value, safe="") for value in values)
    except UnicodeEncodeError:
        return  # a lone surrogate cannot be sent
    template = "/x/" + "/".join(f"{{p{index}}}" for index in range(len(values)))
    assert found(table(template, "/x", "/{a}"), path) == (template, values)


@given(
    st.lists(st.sampled_from(["a", "b", "{p}", "{r+}"]), min_size=1, max_size=4), st.permutations(range(4))
)
def test_the_order_of_adding_does_not_matter(shape: list[str], order: list[int]) -> None:
    shape = [*shape[: shape.index("{r+}") + 1]] if "{r+}" in shape else shape
    own = "/" + "/".join(
        segment.replace("p", f"p{index}") if "p" in segment else segment
        for index, segment in enumerate(shape)
    )
    templates = list(dict.fromkeys([own, "/a/b", "/a/{p1}", "/{p0}/b"]))
    try:
        first = table(*templates)
    except AppError:
        return
    second = table(*(templates[index] for index in order if index < len(templates)))
    for path in ("/a", "/a/b", "/b/a", "/b/b", "/c/b", "/a/c/d", "/a/b/a/b"):
        assert found(first, path) == found(second, path)
