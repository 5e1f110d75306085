"""The process that translates SAM templates: run by its path, it imports nothing of lambent.

Requests and answers are JSON behind its length in four bytes, on standard input and output; it ends with the input.

    {"template": …, "parameters": …, "region": …, "policies": {name: ARN}?} -> {"template": …} | {"error": "…"} |
    {"policies": true}: a managed policy has a name that is not known, ask again with "policies"
"""

from __future__ import annotations

import json
import logging
import os
import sys
from types import SimpleNamespace
from typing import Any, BinaryIO

Template = dict[str, Any]


class _PoliciesNeeded(Exception):
    """The template names a policy that the translator's own list has not."""


def main() -> None:
    """Answer requests until there are no more."""
    logging.disable(logging.CRITICAL)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What the translator prints must not come between the answers.
    os.dup2(2, 1)
    from_library()
    while (request := _read(source)) is not None:
        answer = json.dumps(respond(json.loads(request))).encode()
        sink.write(len(answer).to_bytes(4, "big") + answer)
        sink.flush()


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    return source.read(int.from_bytes(head, "big"))


def respond(request: dict[str, Any]) -> dict[str, Any]:
    """One template translated."""
    from samtranslator.model.exceptions import InvalidDocumentException  # type: ignore[import-untyped]

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
    from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
    from samtranslator.translator.arn_generator import _region_to_partition  # type: ignore[import-untyped]
    from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]
    from samtranslator.utils.py27hash_fix import (  # type: ignore[import-untyped]
        to_py27_compatible_template,
        undo_mark_unicode_str_in_template,
    )

    def managed_policies() -> dict[str, str]:
        if policies is None:
            raise _PoliciesNeeded
        return policies

    _region_to_partition.cache_clear()
    to_py27_compatible_template(template, parameters)
    translator = Translator(
        None,
        Parser(),
        plugins=[from_library()(parameters=parameters)],
        boto_session=SimpleNamespace(region_name=region),
    )
    translated = translator.translate(
        template,
        parameter_values=parameters,
        passthrough_metadata=True,
        get_managed_policy_map=managed_policies,
    )
    result: Template = undo_mark_unicode_str_in_template(translated)
    return result


def document_error(error: Any) -> str:
    """All that is wrong with a template, in one line, as CloudFormation tells it."""
    causes = sorted(error.causes, key=lambda cause: cause.message)
    return " ".join([error.message, *(cause.message for cause in causes)])


_applications: Any = None


def from_library() -> Any:
    """Import the translator, with what is changed of it; gives its plugin for applications."""
    global _applications
    if _applications is None:
        from samtranslator.model.exceptions import InvalidResourceException  # type: ignore[import-untyped]
        from samtranslator.plugins.application.serverless_app_plugin import ServerlessAppPlugin  # type: ignore[import-untyped]

        class Applications(ServerlessAppPlugin):
            """There is no Serverless Application Repository to ask."""

            def _make_service_call_with_retry(
                self, service_call: Any, app_id: str, semver: str, key: Any, logical_id: str
            ) -> None:
                raise InvalidResourceException(
                    logical_id,
                    "The Serverless Application Repository is not served here: give Location as the URL of a template.",
                )

        _applications = Applications
    return _applications


if __name__ == "__main__":
    main()
