"""Parts of events, and texts made of them: the guide's examples, and what AWS delivered to LocalStack's tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.events.transformer import InvalidTransformer, Transformer, select

_EVENT: dict[str, Any] = {
    "version": "0",
    "detail-type": "core.update-account-command",
    "time": "2026-11-21T15:00:00Z",
    "resources": [],
    "detail": {
        "command": "update-account",
        "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"},
        "instance-id": "i-0123456789",
        "state": "RUNNING",
        "count": 3,
        "open": True,
        "nothing": None,
        "name": 'Café "Zum \\ Ende"\n',
        "a.b": "dotted",
        "items": [{"id": 1, "tags": ["x", "y"]}, {"id": 2}],
    },
}
_PATHS = {
    "detail-type": "$.detail-type",
    "timestamp": "$.time",
    "command": "$.detail.command",
    "payload": "$.detail.payload",
    "instance": "$.detail.instance-id",
    "status": "$.detail.state",
    "count": "$.detail.count",
    "open": "$.detail.open",
    "nothing": "$.detail.nothing",
    "name": "$.detail.name",
    "items": "$.detail.items",
    "first": "$.detail.items[0].id",
    "ids": "$.detail.items[*].id",
    "tags": "$.detail.items[0].tags",
    "missing": "$.detail.notinmessage",
    "beyond": "$.detail.items[7]",
    "whole": "$",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        # A text.
        (
            '"Event of <detail-type> type, at time <timestamp>, info extracted from detail <command>"',
            (
                '"Event of core.update-account-command type, at time 2026-11-21T15:00:00Z, info extracted from detail '
                'update-account"'
            ),
        ),
        ('"info extracted from detail <missing>"', '"info extracted from detail "'),
        ('"{[/Check <detail-type>"', '"{[/Check core.update-account-command"'),
        ('"is <instance>"\n"in <status>"', '"is i-0123456789"\n"in RUNNING"'),
        # JSON.
        (
            '{"detailType": <detail-type>,  "command": <command>}',
            '{"detailType": "core.update-account-command",  "command": "update-account"}',
        ),
        ('{"command": <missing>, "beyond": <beyond>}', '{"command": "", "beyond": ""}'),
        (
            '{"instance": <instance>, "state": [9, <status>, true], "Transformed": "Yes"}',
            '{"instance": "i-0123456789", "state": [9, "RUNNING", true], "Transformed": "Yes"}',
        ),
        (
            '{"state": "<status>", "says": "instance \\"<instance>\\" is in <status>"}',
            '{"state": "RUNNING", "says": "instance \\"i-0123456789\\" is in RUNNING"}',
        ),
        ('{"p": <payload>}', '{"p": {"acc_id":"0a787ecb-4015","sf_id":"baz"}}'),
        ('"p: <payload>, t: <tags>"', '"p: {acc_id:0a787ecb-4015,sf_id:baz}, t: [x,y]"'),
        ('{"n": <count>, "o": <open>, "z": <nothing>}', '{"n": 3, "o": true, "z": null}'),
        ('"<count> <open> <nothing>"', '"3 true "'),
        ('{"first": <first>, "ids": <ids>}', '{"first": 1, "ids": [1,2]}'),
        # What is put into a text does not end it.
        ('{"name": "<name>"}', '{"name": "Café \\"Zum \\\\ Ende\\"\\n"}'),
        ("<payload>", '{"acc_id":"0a787ecb-4015","sf_id":"baz"}'),
        ("no placeholder < 5 and > 3", "no placeholder < 5 and > 3"),
        # A text that is no JSON.
        ("<instance> is in <status>", "i-0123456789 is in RUNNING"),
        ("is <instance>, <count>, <missing><nothing>.", "is i-0123456789, 3, ."),
        (
            'name: <name>, p: <payload>, "<status>"',
            'name: Café "Zum \\ Ende"\n, p: {"acc_id":"0a787ecb-4015","sf_id":"baz"}, "RUNNING"',
        ),
        (" <status> ", ' "RUNNING" '),
        # Predefined variables.
        ('"<aws.events.rule-arn> <aws.events.rule-name>"', '"arn:rule name"'),
        ('{"at": <aws.events.event.ingestion-time>}', '{"at": "2026-11-21T15:00:01Z"}'),
        ('{"event": <aws.events.event>}', '{"event": {"detailType":"x"}}'),
        ('"<aws.events.event>"', '"{"detailType":"x"}"'),
    ],
)
def test_templates(template: str, expected: str) -> None:
    variables = {
        "aws.events.rule-arn": "arn:rule",
        "aws.events.rule-name": "name",
        "aws.events.event.ingestion-time": "2026-11-21T15:00:01Z",
        "aws.events.event": {"detailType": "x"},
        "aws.events.event.json": _EVENT,
    }
    assert Transformer(_PATHS, template).render(_EVENT, variables).decode() == expected


def test_a_name_that_is_not_defined_is_refused() -> None:
    with pytest.raises(InvalidTransformer, match=r"^contains invalid placeholder notdefinedkey\.$"):
        Transformer(_PATHS, '"Event of <detail-type> type, with not defined key <notdefinedkey>"')


@pytest.mark.parametrize("path", ["detail", "", "$.a..b", "$.a[", "$.a[x]", "$a"])
def test_paths_that_are_none_are_refused(path: str) -> None:
    with pytest.raises(InvalidTransformer, match="invalid JSONPath"):
        select(_EVENT, path)
    with pytest.raises(InvalidTransformer, match="invalid JSONPath"):
        Transformer({"a": path}, "<a>")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", _EVENT),
        ("$.detail.payload", {"acc_id": "0a787ecb-4015", "sf_id": "baz"}),
        ("$.detail.payload.sf_id", "baz"),
        ("$.detail.items[1].id", 2),
        ("$.detail.items[*].tags[0]", ["x"]),
        ("$.detail.payload.*", ["0a787ecb-4015", "baz"]),
        ("$['detail'][\"a.b\"]", "dotted"),
        ("$.resources", []),
        ("$.detail.nothing", None),
        ("$.detail.notthere.deeper", {}),
        ("$.detail.command.deeper", {}),
    ],
)
def test_parts(path: str, expected: Any) -> None:
    assert json.loads(select(_EVENT, path)) == expected


def test_half_a_surrogate_pair_passes() -> None:
    event = json.loads('{"a": "\\ud83d"}')
    assert json.loads(select(event, "$")) == event
    for template in ('{"b": <a>}', '{"b": "<a>"}'):
        assert json.loads(Transformer({"a": "$.a"}, template).render(event, {})) == {"b": "\ud83d"}
