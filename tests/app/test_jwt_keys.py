"""Keys: JWKs of the RFCs, PEM files written by the `cryptography` package, and what is none."""

import base64
import contextlib
import json
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.app.jwt import der
from lambent.app.jwt.ecdsa import CURVES
from lambent.app.jwt.ed25519 import decode
from lambent.app.jwt.keys import ALGORITHMS, KeySet, Secret, base64url, read_jwk, read_jwks, read_keys

PUBLIC_PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
# The same keys in every process: they are in the names of the tests. The modulus is that of RFC 7515, A.2.
N = int.from_bytes(
    base64.urlsafe_b64decode(
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0B"
        "m4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5"
        "z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7"
        "aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
        "=="
    )
)
RSA = rsa.RSAPublicNumbers(65537, N).public_key()
P256 = ec.derive_private_key(2**200 + 3, ec.SECP256R1()).public_key()
ED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def rsa_jwk(n: int = N, e: int = 65537, **more: object) -> dict[str, Any]:
    return {"kty": "RSA", "n": b64(n.to_bytes((n.bit_length() + 7) // 8)), "e": b64(e.to_bytes(5)), **more}


def ec_jwk(**more: object) -> dict[str, Any]:
    point = P256.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": b64(point.x.to_bytes(32)),
        "y": b64(point.y.to_bytes(32)),
        **more,
    }


def ed_jwk(**more: object) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(ED.public_bytes_raw()), **more}


# --- base64url


@given(st.binary())
def test_base64url_reads_what_is_written(data: bytes) -> None:
    assert base64url(b64(data).encode()) == data


@given(st.text(st.sampled_from("AQgwZz09-_+/= \n.~"), max_size=9).map(str.encode))
def test_base64url_has_one_form_for_each_value(text: bytes) -> None:
    try:
        decoded = base64url(text)
    except ValueError:
        return
    assert b64(decoded).encode() == text


# --- Which algorithms a key fits

RSA_ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512"


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        (rsa_jwk(), RSA_ALGORITHMS),
        (rsa_jwk(alg="RS256"), "RS256"),
        (rsa_jwk(alg="PS512", use="sig", key_ops=["verify"]), "PS512"),
        (rsa_jwk(e=3), RSA_ALGORITHMS),
        (ec_jwk(), "ES256"),
        (ec_jwk(alg="ES256"), "ES256"),
        (ed_jwk(), "EdDSA Ed25519"),
        (ed_jwk(alg="EdDSA"), "EdDSA Ed25519"),
        (ed_jwk(alg="Ed25519"), "EdDSA Ed25519"),
        ({"kty": "oct", "k": b64(bytes(64))}, "HS256 HS384 HS512"),
        ({"kty": "oct", "k": b64(bytes(48))}, "HS256 HS384"),
        ({"kty": "oct", "k": b64(bytes(32))}, "HS256"),
        ({"kty": "oct", "k": b64(bytes(64)), "alg": "HS256"}, "HS256"),
    ],
    ids=lambda value: str(value)[-60:],
)
def test_algorithms_that_a_key_fits(jwk: dict[str, Any], algorithms: str) -> None:
    assert read_jwk(jwk).algorithms == set(algorithms.split()) <= ALGORITHMS


def low_order(y: int, sign: int = 0) -> str:
    return b64((y | sign << 255).to_bytes(32, "little"))


ED_P = (1 << 255) - 19
# One of the points of order 8, by its y; the others have the same or -y, and the other sign.
ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "DSA"},
        {"kty": ["RSA"]},
        rsa_jwk(kid=1),
        rsa_jwk(use="enc"),
        rsa_jwk(use=None),
        rsa_jwk(key_ops=["sign"]),
        rsa_jwk(key_ops="verify"),
        rsa_jwk(alg="HS256"),
        rsa_jwk(alg="ES256"),
        rsa_jwk(alg="RSA-OAEP"),
        rsa_jwk(alg={}),
        rsa_jwk(n=(1 << 2046) + 1),
        rsa_jwk(n=1 << 2047),
        rsa_jwk(n=(1 << 8192) + 1),
        rsa_jwk(n=(1 << 100_000) + 1),
        rsa_jwk(e=1),
        rsa_jwk(e=65536),
        rsa_jwk(e=(1 << 32) + 1),
        {**rsa_jwk(), "e": "AQAB="},
        {**rsa_jwk(), "e": ""},
        {**rsa_jwk(), "e": 65537},
        {**rsa_jwk(), "n": "ß"},
        {"kty": "RSA", "e": "AQAB"},
        ec_jwk(crv="P-384"),
        ec_jwk(crv="secp256k1"),
        ec_jwk(crv=["P-256"]),
        ec_jwk(alg="ES384"),
        ec_jwk(y=b64(bytes(32))),
        ec_jwk(x=b64(bytes(32)), y=b64(bytes(32))),
        ec_jwk(x=b64(CURVES["P-256"].p.to_bytes(32))),
        {**ec_jwk(), "x": ec_jwk()["x"][:-2]},
        {**ec_jwk(), "x": b64(b"\0" + base64url(ec_jwk()["x"].encode()))},
        ed_jwk(crv="X25519"),
        ed_jwk(crv="Ed448"),
        ed_jwk(alg="RS256"),
        ed_jwk(x=b64(bytes(31))),
        ed_jwk(x=low_order(1)),
        ed_jwk(x=low_order(1, 1)),
        ed_jwk(x=low_order(0)),
        ed_jwk(x=low_order(0, 1)),
        ed_jwk(x=low_order(ED_P - 1)),
        ed_jwk(x=low_order(ED_P)),
        ed_jwk(x=low_order(ED_P + 1)),
        ed_jwk(x=low_order(ORDER_8)),
        ed_jwk(x=low_order(ED_P - ORDER_8, 1)),
        ed_jwk(x=low_order(2)),
        {"kty": "oct", "k": b64(bytes(31))},
        {"kty": "oct", "k": b64(bytes(32)), "alg": "HS512"},
        {"kty": "oct", "k": b64(bytes(32)), "alg": "RS256"},
    ],
    ids=lambda value: str(value)[-70:],
)
def test_keys_that_are_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"key|RSA|secret|kty"):
        read_jwk(jwk)


def test_points_of_small_order_are_points() -> None:
    """Else the table above would prove nothing: they are refused for their order alone."""
    with pytest.raises(ValueError, match="small order"):
        decode(ORDER_8.to_bytes(32, "little"))
    with pytest.raises(ValueError, match="small order"):
        decode((1).to_bytes(32, "little"))
    with pytest.raises(ValueError, match="not a point"):
        decode((2).to_bytes(32, "little"))
    with pytest.raises(ValueError, match="canonical"):
        decode((ED_P + 1).to_bytes(32, "little"))


def test_a_set_passes_over_what_it_cannot_use() -> None:
    jwks = {"keys": [rsa_jwk(kid="a"), {"kty": "new"}, 5, ec_jwk(use="enc"), ed_jwk(kid="b"), rsa_jwk(n=15)]}
    assert [key.kid for key in read_jwks(jwks).keys] == ["a", "b"]
    secret = {"kty": "oct", "k": b64(bytes(32))}
    assert read_jwks({"keys": [secret]}).keys == ()
    assert len(read_jwks({"keys": [secret]}, secrets=True).keys) == 1
    others: list[object] = [[], {}, {"keys": {}}, None, "keys"]
    for other in others:
        with pytest.raises(ValueError, match="a list"):
            read_jwks(other)


# --- Which key a token means


def named(*names: str | None) -> KeySet:
    return KeySet([Secret(bytes(32), name) for name in names])


@pytest.mark.parametrize(
    ("names", "kid", "found"),
    [
        (["a", "b"], "a", ["a"]),
        (["a", "b"], "c", []),
        (["a", "b"], None, []),
        (["a"], None, ["a"]),
        (["a"], "b", []),
        (["a", "a"], "a", ["a", "a"]),
        ([None], "a", [None]),
        ([None, None], None, [None, None]),
        ([None, "a"], "a", ["a"]),
        ([None, "a"], "b", [None]),
        ([None, "a"], None, [None]),
        (["a", "b"], "", []),
        ([], None, []),
    ],
)
def test_find(names: list[str | None], kid: str | None, found: list[str | None]) -> None:
    assert [key.kid for key in named(*names).find(kid, "HS256")] == found
    assert named(*names).find(kid, "RS256") == []


def test_a_token_without_kid_means_the_only_key_of_its_algorithm() -> None:
    keys = read_jwks({"keys": [rsa_jwk(kid="a"), ec_jwk(kid="b")]})
    assert [key.kid for key in keys.find(None, "ES256")] == ["b"]


# --- PEM

KINDS: dict[str, Any] = {
    "RSA 2048": RSA,
    "RSA 3072, 3": rsa.generate_private_key(public_exponent=3, key_size=3072).public_key(),
    "P-256": P256,
    "P-384": ec.generate_private_key(ec.SECP384R1()).public_key(),
    "P-521": ec.generate_private_key(ec.SECP521R1()).public_key(),
    "Ed25519": ED,
}


@pytest.mark.parametrize("kind", KINDS)
def test_pem_files(kind: str) -> None:
    public = KINDS[kind]
    pem = public.public_bytes(*PUBLIC_PEM)
    for text in (pem, pem.replace(b"\n", b"\r\n"), b"\n" + pem + b"\n\n"):
        read = der.read_pem(text)
        if read.kty == "RSA":
            assert (read.n, read.e) == (public.public_numbers().n, public.public_numbers().e)
        elif read.kty == "EC":
            assert (read.x, read.y) == (public.public_numbers().x, public.public_numbers().y)
        else:
            assert read.x == public.public_bytes_raw()


UNFIT: dict[str, tuple[Any, str]] = {
    "Ed448": (ed448.Ed448PrivateKey.generate(), "none of RSA, EC and Ed25519"),
    "secp256k1": (ec.generate_private_key(ec.SECP256K1()), "curve is none of"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_pem_files_of_other_keys(kind: str) -> None:
    key, text = UNFIT[kind]
    with pytest.raises(ValueError, match=text):
        der.read_pem(key.public_key().public_bytes(*PUBLIC_PEM))


def test_pem_files_of_other_blocks() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match=r'this is "PRIVATE KEY": openssl pkey -pubout'):
        der.read_pem(private)
    pkcs1 = RSA.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    with pytest.raises(ValueError, match="-RSAPublicKey_in"):
        der.read_pem(pkcs1)
    good = ED.public_bytes(*PUBLIC_PEM)
    for bad in (good + good, good[:-8], b"x" + good, good.replace(b"M", b"!", 1), b"", good + b" " * 9000):
        with pytest.raises(ValueError, match="PEM"):
            der.read_pem(bad)
    with pytest.raises(ValueError, match="not base64"):
        der.read_pem(good.replace(b"\n-----END", b"=\n-----END"))


@settings(deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    at=st.integers(0, 600),
    change=st.one_of(st.integers(1, 255), st.binary(max_size=3)),
)
def test_changed_encodings_are_refused_or_are_other_keys(kind: str, at: int, change: int | bytes) -> None:
    """A value has one encoding only: whatever is changed, the result is never the same key."""
    public = KINDS[kind]
    good = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    at %= len(good) + 1
    if isinstance(change, int):
        at = min(at, len(good) - 1)
        bad = good[:at] + bytes([good[at] ^ change]) + good[at + 1 :]
    else:
        bad = good[:at] + change + good[at:] if change else good[:at]
    with contextlib.suppress(ValueError):
        assert (der.read_spki(bad) == der.read_spki(good)) == (bad == good)


ED_DER = bytes.fromhex("302a300506032b6570032100") + ED.public_bytes_raw()
RSA_DER = RSA.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "encoding",
    [
        b"",
        b"\x30",
        b"\x30\x80" + ED_DER[2:] + b"\0\0",  # indefinite length
        b"\x30\x81\x2a" + ED_DER[2:],  # a longer length than needed
        b"\x30\x84\0\0\0\x2a" + ED_DER[2:],
        ED_DER + b"\0",
        b"\x30\x2b" + ED_DER[2:] + b"\0",
        ED_DER.replace(b"\x30\x05", b"\x30\x07").replace(
            b"\x2b\x65\x70", b"\x2b\x65\x70\x05\0"
        ),  # with a NULL
        ED_DER.replace(b"\x03\x21\x00", b"\x03\x21\x01"),  # a bit is not used
        RSA_DER.replace(b"\x01\x01\x05\x00", b"\x01\x01\x05\x01"),
        RSA_DER[:-5] + b"\x02\x03\x81\x00\x01",  # a negative exponent
        RSA_DER[:-5] + b"\x02\x03\x00\x00\x03",  # an exponent longer than needed
        RSA_DER[:-5] + b"\x02\x00" + b"\x02\x01\x03",
    ],
)
def test_encodings_that_are_not_der(encoding: bytes) -> None:
    with pytest.raises(ValueError, match=r"the|DER"):
        der.read_spki(encoding)


# --- What a developer may give

PEM = RSA.public_bytes(*PUBLIC_PEM)
ED_PEM = ED.public_bytes(*PUBLIC_PEM).decode()
EVERY = frozenset(ALGORITHMS)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (PEM, [None]),
        (PEM.decode(), [None]),
        (bytes(32), [None]),
        (rsa_jwk(kid="a"), ["a"]),
        (json.dumps(rsa_jwk(kid="a")), ["a"]),
        ({"keys": [rsa_jwk(kid="a"), ec_jwk(kid="b")]}, ["a", "b"]),
        (json.dumps({"keys": [rsa_jwk(kid="a")]}), ["a"]),
        ({"x": PEM, "y": bytes(32), "z": ec_jwk(kid="b")}, ["x", "y", "z"]),
        ([PEM, {"b": ED_PEM}, ec_jwk()], [None, "b", None]),
        ((PEM, PEM), [None, None]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_literal_keys(source: object, names: list[str | None]) -> None:
    assert [key.kid for key in read_keys(source, EVERY).keys] == names


@pytest.mark.parametrize(
    "source",
    [
        None,
        5,
        "",
        "a secret",
        "/var/task/key.pem",
        "{",
        b"",
        b"short",
        b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDH",
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ",
        {5: PEM},
        {"keys": []},
        [],
        [[]],
        bytes(70_000),
    ],
    ids=lambda value: str(value)[:40],
)
def test_literal_keys_that_are_none(source: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_keys(source, EVERY)


def test_importing_and_making_one_loads_little() -> None:
    program = """
import sys
import msgspec
before = set(sys.modules)
from lambent.app.jwt.verifier import Verifier
Verifier(issuer="https://issuer.example", audience="a")
Verifier(issuer=None, audience="a", keys=bytes(32), algorithms=["HS256"])
for name in ("asyncio", "inspect", "dataclasses", "logging", "http", "urllib.request", "ssl", "email", "hashlib",
             "cryptography", "socket", "base64", "pathlib", "urllib"):
    assert name not in set(sys.modules) - before, name
"""
    subprocess.run([sys.executable, "-c", program], check=True)
