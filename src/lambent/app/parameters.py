"""Where the parameters of an HTTP handler come from: path, query, headers, cookies, body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.conversion import (
    Invalid,
    NotDecodable,
    flag_of,
    from_json,
    from_object,
    from_text,
    is_list,
    is_pydantic,
    members,
)
from lambent.app.endpoint import InvalidParameter
from lambent.app.errors import AppError, BadRequest, UnsupportedMediaType
from lambent.app.signature import MISSING, described, fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.endpoint import Getter
    from lambent.app.request import Request
    from lambent.app.signature import Parameter

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


class HttpParameters:
    """Resolves the parameters of one route's handler, and remembers them for its description."""

    def __init__(
        self, handler: Callable[..., Any], method: str, template: str, names: tuple[str, ...]
    ) -> None:
        self._handler = handler
        self._route = f"{method} {template}"
        self._method = method
        self._names = names
        self.found: list[tuple[str, str, Parameter]] = []
        """Place, name in the request, and the parameter itself."""

    def resolve(self, parameter: Parameter) -> Getter | None:
        """Where it comes from. Raises AppError."""
        place = parameter.marker.place if parameter.marker is not None else self._place(parameter)
        if place == "body" and self._method in _WITHOUT_BODY:
            raise self._error(
                f"{parameter.name!r} would be the body, which a {self._method} request does not have. Take it from the "
                "query, or use POST"
            )
        if place == "body" and any(kind == "body" for kind, _, _ in self.found):
            other = next(one.name for kind, _, one in self.found if kind == "body")
            raise self._error(
                f"both {other!r} and {parameter.name!r} would be the body: make one type of them"
            )
        name = (parameter.marker.name if parameter.marker is not None else None) or parameter.name
        if place == "header" and (parameter.marker is None or parameter.marker.name is None):
            name = name.replace("_", "-")
        if place == "path" and name not in self._names:
            raise self._error(f"{name!r} is not in the path")
        self.found.append((place, name, parameter))
        try:
            if place == "body":
                return _body(parameter)
            if place == "path":
                return _from_path(parameter, name, self._names.index(name))
            return _from_text(parameter, place, name)
        except TypeError as error:
            raise self._error(f"{parameter.name!r} cannot be made from a request: {error}") from None

    def check(self, takes_request: bool) -> None:
        """Raise AppError when the path has a parameter that the handler does not take."""
        if takes_request:
            return
        taken = {name for place, name, _ in self.found if place == "path"}
        for name in self._names:
            if name not in taken:
                raise self._error(f"it does not take {name!r}, which is in the path: add the parameter")

    def _place(self, parameter: Parameter) -> str:
        if parameter.name in self._names:
            return "path"
        if parameter.name == "body" or any(map(_is_object, members(parameter.type))):
            return "body"
        return "query"

    def _error(self, text: str) -> AppError:
        return AppError(f"{self._route}: {described(self._handler)}: {text}")


def _is_object(declared: Any) -> bool:
    """Whether it is what bodies are: an object with members, or a list of such."""
    declared = getattr(declared, "__origin__", declared) if hasattr(declared, "__metadata__") else declared
    origin = getattr(declared, "__origin__", None) or declared
    if origin in (list, tuple, set, frozenset):
        return any(_is_object(one) for one in getattr(declared, "__args__", ()))
    if is_pydantic(declared):
        return True
    return isinstance(origin, type) and (
        issubclass(origin, (msgspec.Struct, dict, bytes))
        or hasattr(origin, "__dataclass_fields__")
        or hasattr(origin, "__attrs_attrs__")
        or hasattr(origin, "__required_keys__")
    )


def _missing(place: str, name: str, default: Any) -> Any:
    if default is MISSING:
        raise InvalidParameter(place, name, [("", "It is missing")])
    return fresh(default)


def _from_path(parameter: Parameter, name: str, index: int) -> Getter:
    convert = from_text(parameter.type)
    if convert is None:

        def path_text(request: Request) -> Any:
            return request.values[index]

        return path_text

    def path(request: Request) -> Any:
        try:
            return convert(request.values[index])
        except Invalid as invalid:
            raise InvalidParameter("path", name, invalid.errors) from None

    return path


def _from_text(parameter: Parameter, place: str, name: str) -> Getter:
    """From the query, a header or a cookie."""
    default = parameter.default
    several = place != "cookie" and is_list(parameter.type)
    split = several and place == "header"
    convert = from_text(parameter.type)
    look: dict[str, Callable[[Request], Any]] = {
        "query": lambda request: request.query,
        "header": lambda request: request.headers,
        "cookie": lambda request: request.cookies,
    }
    source = look[place]

    def value(request: Request) -> Any:
        found = source(request)
        raw = found.get_list(name) if several else found.get(name)
        if not raw and (several or raw is None):
            if several and default is MISSING and convert is not None:
                raw = []
            else:
                return _missing(place, name, default)
        if split:
            # Some sources join repeated fields, others do not: it means the same (RFC 9110, section 5.3).
            raw = [part.strip() for one in raw for part in one.split(",")]
        if convert is None:
            return raw
        try:
            return convert(raw)
        except Invalid as invalid:
            raise InvalidParameter(place, name, invalid.errors) from None

    return value


def _body(parameter: Parameter) -> Getter:
    declared, default = parameter.type, parameter.default
    if declared is bytes:
        return lambda request: request.body
    if declared is str:
        return lambda request: request.text
    decode, convert = from_json(declared), None
    optional = None in members(declared) or type(None) in members(declared)

    def body(request: Request) -> Any:
        nonlocal convert
        headers = request.event.get("headers")
        content_type = headers and (headers.get("content-type") or headers.get("Content-Type"))
        raw = request.raw_body
        if not raw:
            return _missing("body", "", None if optional and default is MISSING else default)
        if content_type != _JSON:
            content_type = request.headers.get("content-type") or _JSON
            essence = content_type.partition(";")[0].strip().lower()
            if essence == _FORM:
                if convert is None:
                    convert = _from_form(declared)
                return convert(request.text)
            if essence != _JSON and not essence.endswith("+json"):
                raise UnsupportedMediaType(f"{essence} is not supported: send {_JSON}")
        try:
            return decode(raw)
        except Invalid as invalid:
            raise InvalidParameter("body", "", invalid.errors) from None
        except NotDecodable as error:
            raise BadRequest(f"The body is not JSON: {error}") from None

    return body


def _from_form(declared: Any) -> Callable[[str], Any]:
    """From the fields of an HTML form, which are all text."""
    from urllib.parse import parse_qsl

    hints: dict[str, Any] = {}
    for one in members(declared):
        if is_pydantic(one):
            hints |= {name: field.annotation for name, field in getattr(one, "model_fields", {}).items()}
        else:
            from lambent.app.explanation import fields_of

            hints |= {name: hint for name, hint, _ in fields_of(one) or ()}
    lists = {name for name, hint in hints.items() if is_list(hint)}
    flags = {name for name, hint in hints.items() if bool in members(hint)}
    convert = from_object(declared) if is_pydantic(declared) else from_text(declared)

    def form(text: str) -> Any:
        fields: dict[str, Any] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name in lists:
                fields.setdefault(name, []).append(value)
            else:
                fields[name] = flag_of(value) if name in flags else value
        if convert is None:
            return fields
        try:
            return convert(fields)
        except Invalid as invalid:
            raise InvalidParameter("body", "", invalid.errors) from None

    return form
