"""Client certificates: what a backend could know API Gateway by. They are made and shown, and sent to nobody."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - in signatures that are read


def certificate_pem(first: dt.datetime, last: dt.datetime) -> str:
    """A self-signed certificate as PEM. Its key is thrown away."""
    # Imported where it is needed: few ask for one.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "ApiGateway")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
