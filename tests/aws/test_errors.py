"""The error tree."""

from __future__ import annotations

from lambent.aws.errors import AuthError, MalformedBodyError, SerializationError, ServiceError


def test_one_tree() -> None:
    assert issubclass(AuthError, ServiceError)
    assert issubclass(MalformedBodyError, SerializationError)
    assert issubclass(SerializationError, ServiceError)


def test_an_error_names_its_code_and_message() -> None:
    error = ServiceError("ResourceNotFoundException", "Function not found: f", members={"Type": None})
    assert str(error) == "ResourceNotFoundException: Function not found: f"
    assert (error.status, error.fault, error.members) == (None, None, {"Type": None})


def test_signature_errors_are_forbidden() -> None:
    assert AuthError("InvalidSignatureException", "m").status == 403
    assert SerializationError("m").status == 400
