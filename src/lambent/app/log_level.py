"""Log levels: their names and numbers, and which one is in force.

Names and numbers are those of the standard library's `logging`. Which one is in force follows Powertools for AWS
Lambda (Python): https://docs.powertools.aws.dev/lambda/python/latest/core/logger/#aws-lambda-advanced-logging-controls-alc
"""

from __future__ import annotations

import os

DEBUG, INFO, WARNING, ERROR, CRITICAL = 10, 20, 30, 40, 50

_NUMBERS = {
    "NOTSET": 0,
    "DEBUG": DEBUG,
    "INFO": INFO,
    "WARNING": WARNING,
    "WARN": WARNING,
    "ERROR": ERROR,
    "CRITICAL": CRITICAL,
    "FATAL": CRITICAL,
}
_NAMES = {0: "NOTSET", DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARNING", ERROR: "ERROR", CRITICAL: "CRITICAL"}
_LAMBDAS = {"TRACE": 0, "DEBUG": DEBUG, "INFO": INFO, "WARN": WARNING, "ERROR": ERROR, "FATAL": CRITICAL}
"""What Lambda's logging controls put into AWS_LAMBDA_LOG_LEVEL."""


def level_name(number: int) -> str:
    """The level's name; `Level 25` for one between the standard ones, as in the standard library."""
    return _NAMES.get(number) or f"Level {number}"


def level_number(level: str | int) -> int:
    """The level's number, of a name in any case. Raises ValueError for an unknown name."""
    if isinstance(level, str):
        number = _NUMBERS.get(level.upper())
        if number is None:
            raise ValueError(f"unknown log level {level!r}: it is one of {', '.join(_NUMBERS)} or a number")
        return number
    return level


def lambdas_level() -> int | None:
    """The level that the function's logging configuration asks for; None where it asks for none."""
    return _LAMBDAS.get(os.environ.get("AWS_LAMBDA_LOG_LEVEL", ""))


def effective_level(level: str | int | None) -> int:
    """The level in force where code asks for `level`.

    Lambda's logging controls come first, then the code, then POWERTOOLS_LOG_LEVEL, then LOG_LEVEL, then INFO. Warns
    (UserWarning) where the controls show less than was asked for, because those lines would be missed.
    """
    asked: str | int | None = level
    if asked is None or asked == "":
        asked = os.environ.get("POWERTOOLS_LOG_LEVEL") or os.environ.get("LOG_LEVEL") or None
    number = None if asked is None else level_number(asked)
    controlled = lambdas_level()
    if controlled is None:
        return INFO if number is None else number
    if number is not None and controlled > number:
        import warnings

        warnings.warn(
            f"The log level {level_name(number)} shows more than the function's logging configuration lets through: "
            f"AWS_LAMBDA_LOG_LEVEL is {level_name(controlled)}, and that holds.",
            UserWarning,
            stacklevel=3,
        )
    return controlled
