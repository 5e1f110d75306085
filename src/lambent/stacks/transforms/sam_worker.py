"""The process that translates SAM templates: run by its path, it imports nothing of lambent.

Requests and answers are JSON behind its length in four bytes, on standard input and output; it ends with the input.

    {"template": …, "parameters": …, "region": …, "policies": {name: ARN}?} -> {"template": …} | {"error": "…"} |
    {"policies": true}: a managed policy has a name that is not known, ask again with "policies"

The translator is changed in two places. It asks no Serverless Application Repository, as there is none. And it copies
the OpenAPI document of an API twice for each route that is added to it, which `copied` does in an eighth of the
time: 170 functions with a route each (513 resources) take 0.5 s instead of 2.2.
"""

from __future__ import annotations

import copy
import gc
import json
import logging
import os
import sys
from types import SimpleNamespace
from typing import Any, BinaryIO, NamedTuple

import samtranslator.open_api.open_api as open_api  # type: ignore[import-untyped]
import samtranslator.swagger.swagger as swagger  # type: ignore[import-untyped]
from samtranslator.model.exceptions import (  # type: ignore[import-untyped]
    InvalidDocumentException,
    InvalidResourceException,
)
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.plugins.application import (  # type: ignore[import-untyped]
    serverless_app_plugin,
)
from samtranslator.translator import arn_generator  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]
from samtranslator.utils import py27hash_fix  # type: ignore[import-untyped]

Template = dict[str, Any]

_MOST_LAYOUTS = 20_000


class _PoliciesNeeded(Exception):
    """The template names a policy that the translator's own list has not."""


class _Applications(serverless_app_plugin.ServerlessAppPlugin):  # type: ignore[misc]
    """Applications of the Serverless Application Repository are refused."""

    def _make_service_call_with_retry(
        self, service_call: Any, app_id: str, semver: str, key: Any, logical_id: str
    ) -> None:
        raise InvalidResourceException(
            logical_id,
            "The Serverless Application Repository is not served here: give Location as the URL of a template.",
        )


def main() -> None:
    """Answer requests until there are no more."""
    logging.disable(logging.CRITICAL)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What the translator prints must not come between the answers.
    os.dup2(2, 1)
    open_api._deepcopy = copied
    swagger._deepcopy = copied
    # A template is many small objects that live until it is done: looking for garbage among them takes half the time.
    gc.disable()
    gc.freeze()
    while (request := _read(source)) is not None:
        answer = json.dumps(respond(json.loads(request))).encode()
        sink.write(len(answer).to_bytes(4, "big") + answer)
        sink.flush()
        gc.collect()


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    return source.read(int.from_bytes(head, "big"))


def respond(request: dict[str, Any]) -> dict[str, Any]:
    """One template translated."""
    try:
        return {"template": translate(**request)}
    except _PoliciesNeeded:
        return {"policies": True}
    except InvalidDocumentException as error:
        return {"error": document_error(error)}
    except Exception:  # noqa: BLE001 - whatever the translator stumbles over is its internal failure, as on AWS
        return {"error": None}


def translate(
    template: Template, parameters: dict[str, Any], region: str, policies: dict[str, str] | None = None
) -> Template:
    """The template without SAM's resources.

    Raises InvalidDocumentException, _PoliciesNeeded, and whatever a bug of the translator raises.
    """

    def managed_policies() -> dict[str, str]:
        if policies is None:
            raise _PoliciesNeeded
        return policies

    arn_generator._region_to_partition.cache_clear()
    # As AWS does: maps in the order that they had in Python 2, which ids of deployments are made from.
    py27hash_fix.to_py27_compatible_template(template, parameters)
    translator = Translator(
        None,
        Parser(),
        plugins=[_Applications(parameters=parameters)],
        boto_session=SimpleNamespace(region_name=region),
    )
    translated = translator.translate(
        template,
        parameter_values=parameters,
        passthrough_metadata=True,
        get_managed_policy_map=managed_policies,
    )
    result: Template = py27hash_fix.undo_mark_unicode_str_in_template(translated)
    return result


def document_error(error: Any) -> str:
    """All that is wrong with a template, in one line, as CloudFormation tells it."""
    causes = sorted(error.causes, key=lambda cause: cause.message)
    return " ".join([error.message, *(cause.message for cause in causes)])


# --- copies ---------------------------------------------------------------------------------------------------------

_Dict = py27hash_fix.Py27Dict
_Keys = py27hash_fix.Py27Keys
_ATOMS = frozenset([str, int, float, bool, type(None), py27hash_fix.Py27UniStr, py27hash_fix.Py27LongInt])


class _Layout(NamedTuple):
    """Where Python 2 has keys that are put into an empty map one after the other."""

    slots: list[int]
    size: int
    fill: int
    mask: int
    ascending: bool
    """Going through the map meets them in that order: another copy is the same again."""


_layouts: dict[Any, _Layout] = {}


def copied(value: Any) -> Any:
    """What copy.deepcopy gives, of JSON in the translator's maps: their keys are put in again in their order, as in
    Python 2, which could change it. What comes of which keys is remembered; `_same` is the key order of a map that no
    copy changes, as long as it is the map's and has not grown.
    """
    kind = type(value)
    if kind is _Dict:
        known = value.keylist
        order = known.keyorder
        if known.__dict__.get("_same") is order and len(order) == known.length == known.size:
            keylist = object.__new__(_Keys)
            same = order.copy()
            keylist.__dict__ = {**known.__dict__, "keyorder": same, "_same": same}
        else:
            keylist = _put_again(order)
        result: Any = dict.__new__(_Dict)
        result.__dict__ = {"keylist": keylist}
        put = dict.__setitem__
        for key, item in dict.items(value):
            put(result, key, item if type(item) in _ATOMS else copied(item))
        return result
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {key: item if type(item) in _ATOMS else copied(item) for key, item in value.items()}
    if kind is list:
        return [item if type(item) in _ATOMS else copied(item) for item in value]
    return copy.deepcopy(value)


def _put_again(order: dict[int, str]) -> Any:
    keys = tuple([order[slot] for slot in sorted(order) if order[slot] is not _Keys.DUMMY])
    layout = _layouts.get(keys) or _layout(keys)
    again = dict(zip(layout.slots, keys, strict=True))
    keylist = object.__new__(_Keys)
    keylist.__dict__ = {
        "debug": False,
        "keyorder": again,
        "size": layout.size,
        "fill": layout.fill,
        "mask": layout.mask,
        "length": layout.size,
        "_same": again if layout.ascending else None,
    }
    return keylist


def _layout(keys: tuple[str, ...]) -> _Layout:
    made = _Keys()
    for key in keys:
        made.add(key)
    where = {key: slot for slot, key in made.keyorder.items()}
    slots = [where[key] for key in keys]
    if len(_layouts) >= _MOST_LAYOUTS:
        _layouts.clear()
    layout = _layouts[keys] = _Layout(slots, made.size, made.fill, made.mask, slots == sorted(slots))
    return layout


if __name__ == "__main__":
    main()
