"""The certificate that the platform shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """For a listener. Raises ValueError that says which file is not what it should be."""
    import ssl

    for path in (certificate, key):
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{key} is not the key of the certificate {certificate}") from None
        raise ValueError(
            f"{certificate} and {key} have to be a certificate and its key in PEM: {error}"
        ) from None
    except OSError as error:
        raise ValueError(f"{certificate} and {key}: {error.strerror}") from None
    return context
