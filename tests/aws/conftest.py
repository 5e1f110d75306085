"""What the tests of the protocol layer share: botocore's side of the wire, and values drawn for its shapes."""

from __future__ import annotations

import copy
import functools
import string
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.awsrequest
import botocore.loaders
import botocore.model
import botocore.serialize
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from lambent.aws.querynames import add_query_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

settings.register_profile(
    "wire",
    deadline=None,
    max_examples=4,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("wire")

_LOADER = botocore.loaders.Loader()

# Visible ASCII without what separates elements of header lists.
_HEADER_ALPHABET = "".join(set(string.ascii_letters + string.digits + string.punctuation) - set(',"\\'))
_XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)
_JSON_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_HEADER_TEXT = st.text(_HEADER_ALPHABET, min_size=1, max_size=12)
_MOMENTS = st.integers(0, 4_000_000_000_000).map(
    lambda ms: datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
)
_SECONDS = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | _JSON_TEXT,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(string.ascii_letters, max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)
_MAX_DEPTH = 4


class Drawn:
    """Draws values for botocore's shapes.

    `xml`: text is kept to what XML can hold. `filled`: no empty structures, lists and maps, which the query protocol
    and flattened XML cannot express.
    """

    def __init__(self, *, xml: bool = False, filled: bool = False) -> None:
        self.text = _XML_TEXT if xml else _JSON_TEXT
        self.filled = filled

    def value(self, shape: Any, depth: int = 0, where: str | None = None) -> SearchStrategy[Any]:
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            low = 1 if self.filled or where else 0
            if depth >= _MAX_DEPTH and not low:
                return st.just([])
            items = st.deferred(lambda: self.value(shape.member, depth + 1, where))
            return st.lists(items, min_size=low, max_size=max(low, 2 if depth < 2 else 1))
        if kind == "map":
            if depth >= _MAX_DEPTH and not self.filled:
                return st.just({})
            if where == "headers":
                keys = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=8)
                return st.dictionaries(keys, _HEADER_TEXT, min_size=1, max_size=2)
            values = st.deferred(lambda: self.value(shape.value, depth + 1))
            return st.dictionaries(
                self.scalar(shape.key, None), values, min_size=1 if self.filled else 0, max_size=2
            )
        return self.scalar(shape, where)

    def scalar(self, shape: Any, where: str | None) -> SearchStrategy[Any]:
        kind = shape.type_name
        if kind == "string":
            if where == "header" and shape.serialization.get("jsonvalue"):
                return _JSON_VALUES.filter(lambda value: value is not None)
            if shape.enum:
                return st.sampled_from(shape.enum)
            if where == "header":
                return _HEADER_TEXT
            return self.text.filter(bool) if where == "uri" else self.text
        if kind == "boolean":
            return st.booleans()
        if kind == "integer":
            return st.integers(200, 203) if where == "statusCode" else st.integers(-(2**31), 2**31 - 1)
        if kind == "long":
            return st.integers(-(2**53), 2**53)
        if kind == "float":
            return st.floats(allow_nan=False, allow_infinity=False, width=32)
        if kind == "double":
            return st.floats(allow_nan=False, allow_infinity=False)
        if kind == "blob":
            return st.binary(min_size=1 if where == "payload" else 0, max_size=20)
        assert kind == "timestamp", kind
        in_seconds = where == "header" or shape.serialization.get("timestampFormat") == "rfc822"
        return _SECONDS if in_seconds else _MOMENTS

    def structure(self, shape: Any, depth: int = 0) -> SearchStrategy[dict[str, Any]]:
        if shape.is_document_type:
            return st.dictionaries(
                st.text(string.ascii_letters, max_size=4), _JSON_VALUES.filter(bool), max_size=2
            )
        members = {
            name: member
            for name, member in shape.members.items()
            if not member.serialization.get("eventstream")
        }
        required = [name for name in shape.required_members if name in members]
        optional = [name for name in members if name not in required]
        if shape.is_tagged_union:
            return st.sampled_from(sorted(members)).flatmap(
                lambda name: self._some(shape, members, [name], depth)
            )
        if depth >= _MAX_DEPTH:
            simple = [n for n in optional if members[n].type_name not in ("structure", "list", "map")]
            fill = simple[:1] if self.filled and not required else []
            return self._some(shape, members, required + fill, depth)
        low = 1 if self.filled and not required and optional else 0
        some = (
            st.lists(st.sampled_from(optional), unique=True, min_size=low, max_size=6)
            if optional
            else st.just([])
        )
        return some.flatmap(lambda names: self._some(shape, members, required + names, depth))

    def _some(
        self, shape: Any, members: dict[str, Any], names: list[str], depth: int
    ) -> SearchStrategy[dict[str, Any]]:
        payload = shape.serialization.get("payload")
        return st.fixed_dictionaries(
            {
                name: self.value(
                    members[name],
                    depth + 1,
                    "payload" if name == payload else members[name].serialization.get("location"),
                )
                for name in names
            }
        )


class Wire:
    """One service as botocore's clients speak it."""

    def __init__(self, name: str, protocol: str | None = None) -> None:
        # load_service_model would add what botocore alone makes of a model, such as a parsed Expires header in S3.
        version = _LOADER.determine_latest_version(name, "service-2")
        description = _LOADER.load_data(f"{name}/{version}/service-2")
        if protocol == "query":
            description = copy.deepcopy(description)
            add_query_names(name, description)
        self.model = botocore.model.ServiceModel(description, name)
        self.protocol = protocol or self.model.metadata["protocol"]
        self._serializer = botocore.serialize.create_serializer(self.protocol, include_validation=False)

    def request(self, operation: str, parameters: dict[str, Any]) -> Any:
        """The prepared HTTP request (method, url, headers, body) that botocore makes of `parameters`."""
        made = self._serializer.serialize_to_request(parameters, self.model.operation_model(operation))
        made["context"] = {}
        botocore.awsrequest.prepare_request_dict(made, endpoint_url="http://127.0.0.1:4566")
        return botocore.awsrequest.create_request_object(made).prepare()


@pytest.fixture(scope="session")
def wire() -> Callable[..., Wire]:
    """Opens a service as botocore's clients speak it, once for the session."""
    return functools.cache(Wire)


@pytest.fixture(scope="session")
def drawn() -> type[Drawn]:
    """Draws values for botocore's shapes."""
    return Drawn
