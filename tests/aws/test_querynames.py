"""The names of SQS's query protocol."""

from __future__ import annotations

from lambent.aws.model import load_model


def test_only_the_query_model_of_sqs_has_them() -> None:
    query, json = load_model("sqs", "query"), load_model("sqs")
    message = {"shape": "ReceiveMessageResult"}
    assert query.shape(message).members["Messages"].member.traits["locationName"] == "Message"
    assert "locationName" not in json.shape(message).members["Messages"].member.traits
    assert query.operation("ReceiveMessage").result_wrapper == "ReceiveMessageResult"
    assert json.operation("ReceiveMessage").result_wrapper is None


def test_every_list_and_map_of_sqs_has_a_name() -> None:
    model = load_model("sqs", "query")
    for name, shape in model.shape_models.items():
        if shape["type"] == "list":
            assert "locationName" in shape["member"], name
        elif shape["type"] == "map":
            assert "locationName" in shape["key"], name
            assert "locationName" in shape["value"], name
