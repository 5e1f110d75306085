"""Tokens: made and signed by the `cryptography` package and by the RFCs, verified both ways."""

import base64
import functools
import hashlib
import hmac
import json
import subprocess
import sys
from typing import Any, Literal

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.app.jwt import ecdsa
from lambent.app.jwt.ecdsa import CURVES, multiples
from lambent.app.jwt.errors import (
    BadSignature,
    ExpiredToken,
    InvalidToken,
    MalformedToken,
    MissingClaim,
    NotYetValid,
    UnknownKey,
    WrongAlgorithm,
    WrongAudience,
    WrongIssuer,
    WrongTokenUse,
)
from lambent.app.jwt.verifier import Verifier

Backend = Literal["python", "cryptography"]
BACKENDS: list[Backend] = ["python", "cryptography"]
NOW = 1_800_000_000
SECRET = bytes(range(64))
PUBLIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
ALL = ["HS256", "HS384", "HS512", *PUBLIC]
CLAIMS = {"iss": "me", "aud": "you", "exp": NOW + 60, "sub": "someone"}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@functools.cache
def private(alg: str) -> Any:
    if alg[:2] in ("RS", "PS"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if alg[:2] == "ES":
        curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
        return ec.generate_private_key(curves[alg])
    return ed25519.Ed25519PrivateKey.generate()


def pem(alg: str) -> str:
    key = private(alg).public_key()
    encoded: bytes = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded.decode()


def key(alg: str) -> str | bytes:
    return SECRET if alg[:2] == "HS" else pem(alg)


def sign(alg: str, message: bytes) -> bytes:
    if alg[:2] == "HS":
        return hmac.digest(SECRET, message, "sha" + alg[2:])
    if alg in ("EdDSA", "Ed25519"):
        signature: bytes = private(alg).sign(message)
        return signature
    function = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[alg[2:]]
    if alg[:2] == "ES":
        size = {"ES256": 32, "ES384": 48, "ES512": 66}[alg]
        r, s = decode_dss_signature(private(alg).sign(message, ec.ECDSA(function)))
        return r.to_bytes(size) + s.to_bytes(size)
    kind = (
        padding.PKCS1v15()
        if alg[:2] == "RS"
        else padding.PSS(padding.MGF1(function), padding.PSS.DIGEST_LENGTH)
    )
    signed: bytes = private(alg).sign(message, kind, function)
    return signed


def make(alg: str, claims: object = CLAIMS, **header: object) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    message = b64(json.dumps({"alg": alg, **header}).encode()) + "." + b64(payload)
    return message + "." + b64(sign(alg, message.encode()))


def verifier(alg: str, **options: Any) -> Verifier[dict[str, Any]]:
    settled = {"issuer": "me", "audience": "you", "keys": key(alg), "algorithms": [alg], "clock": lambda: NOW}
    return Verifier(**{**settled, **options})


# --- Signatures


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("alg", ALL)
def test_tokens_of_every_algorithm_are_accepted(alg: str, backend: Backend) -> None:
    assert verifier(alg, backend=backend).verify(make(alg)) == CLAIMS


RFC_PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
RFC_RS256 = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9"
    "uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB"
    "_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq"
    "Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
RFC_ES256 = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
RFC_EXAMPLES = {
    "RFC 7515, A.1": (
        {
            "kty": "oct",
            "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        },
        "HS256",
        f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{RFC_PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ),
    "RFC 7515, A.2": (
        {
            "kty": "RSA",
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL"
            "-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e"
            "-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
            "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
            "e": "AQAB",
        },
        "RS256",
        f"eyJhbGciOiJSUzI1NiJ9.{RFC_PAYLOAD}.{RFC_RS256}",
    ),
    "RFC 7515, A.3": (
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        "ES256",
        f"eyJhbGciOiJFUzI1NiJ9.{RFC_PAYLOAD}.{RFC_ES256}",
    ),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("example", RFC_EXAMPLES)
def test_examples_of_the_rfcs(example: str, backend: Backend) -> None:
    jwk, alg, token = RFC_EXAMPLES[example]
    checks = Verifier(
        issuer="joe", audience=None, keys=jwk, algorithms=[alg], backend=backend, clock=lambda: 1300819379
    )
    assert checks.verify(token)["http://example.com/is_root"] is True
    late = Verifier(issuer="joe", audience=None, keys=jwk, algorithms=[alg], clock=lambda: 1300819380)
    with pytest.raises(ExpiredToken):
        late.verify(token)


@pytest.mark.parametrize("backend", BACKENDS)
def test_example_of_ed25519(backend: Backend) -> None:
    """RFC 8037, A.4: its payload is no JSON, so that all but the claims can be accepted."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    token = (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR"
        "4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    checks = Verifier(issuer=None, audience=None, keys=jwk, algorithms=["EdDSA"], backend=backend)
    with pytest.raises(MalformedToken, match="not a JSON object"):
        checks.verify(token)
    with pytest.raises(BadSignature):
        checks.verify(token.replace("RXhh", "RXhi"))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), alg=st.sampled_from(["HS256", "RS256", "PS256", "ES256", "ES512", "EdDSA"]))
def test_a_token_with_any_bit_flipped_is_refused(data: st.DataObject, alg: str) -> None:
    token = bytearray(make(alg).encode())
    at = data.draw(st.integers(0, len(token) * 8 - 1))
    token[at // 8] ^= 1 << at % 8
    for backend in BACKENDS:
        with pytest.raises(InvalidToken):
            verifier(alg, backend=backend).verify(token.decode("latin-1"))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), alg=st.sampled_from(["RS256", "PS384", "ES256", "ES384", "EdDSA"]))
def test_both_ways_say_the_same_of_signatures(data: st.DataObject, alg: str) -> None:
    message, _, encoded = make(alg).rpartition(".")
    good = base64.urlsafe_b64decode(encoded + "==")
    signature = data.draw(
        st.one_of(
            st.just(good),
            st.binary(max_size=len(good) + 1),
            st.binary(min_size=len(good), max_size=len(good)),
            st.integers(0, len(good)).map(lambda end: good[:end] + bytes(len(good) - end)),
            st.integers(0, len(good)).map(lambda start: b"\xff" * start + good[start:]),
            st.sampled_from([good + b"\0", b"\0" + good, good[:-1], bytes(len(good)), good[::-1]]),
        )
    )
    answers = []
    for backend in BACKENDS:
        try:
            verifier(alg, backend=backend).verify(message + "." + b64(signature))
            answers.append(True)
        except BadSignature:
            answers.append(False)
    assert answers == [signature == good] * 2


N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("backend", BACKENDS)
def test_ecdsa_numbers_out_of_range(backend: Backend) -> None:
    message, _, encoded = make("ES256").rpartition(".")
    good = base64.urlsafe_b64decode(encoded + "==")
    r, s = good[:32], good[32:]
    zero, order = bytes(32), N256.to_bytes(32)
    checks = verifier("ES256", backend=backend)
    # The other s is a signature of the same key too: JWS does not ask for the smaller one.
    checks.verify(message + "." + b64(r + (N256 - int.from_bytes(s)).to_bytes(32)))
    for bad in (zero + zero, zero + s, r + zero, order + s, r + order, order + order, b"\xff" * 64):
        with pytest.raises(BadSignature):
            checks.verify(message + "." + b64(bad))


@pytest.mark.parametrize("backend", BACKENDS)
def test_ed25519_s_must_be_below_the_order(backend: Backend) -> None:
    message, _, encoded = make("EdDSA").rpartition(".")
    good = base64.urlsafe_b64decode(encoded + "==")
    order = (1 << 252) + 27742317777372353535851937790883648493
    more = (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
    with pytest.raises(BadSignature):
        verifier("EdDSA", backend=backend).verify(message + "." + b64(good[:32] + more))


@pytest.mark.parametrize("backend", BACKENDS)
def test_rsa_blocks_are_compared_whole(backend: Backend) -> None:
    """Blocks that a verifier which parses them would take, signed with the private exponent."""
    secret = private("RS256").private_numbers()
    n, d = secret.public_numbers.n, secret.d
    message = make("RS256").rpartition(".")[0]
    digest = hashes.Hash(hashes.SHA256())
    digest.update(message.encode())
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    without_null = bytes.fromhex("302f300b0609608648016503040201") + info[-34:]

    def padded(head: bytes, tail: bytes) -> bytes:
        return head + b"\xff" * (256 - len(head) - len(tail) - 1) + b"\0" + tail

    def signed(block: bytes) -> str:
        return message + "." + b64(pow(int.from_bytes(block), d, n).to_bytes(256))

    checks = verifier("RS256", backend=backend)
    checks.verify(signed(padded(b"\0\1", info)))
    for bad in (
        padded(b"\0\2", info),
        padded(b"\0\1\xfe", info),
        padded(b"\0\1", info + b"\0"),
        b"\0\1" + b"\xff" * 8 + b"\0" + info + bytes(256 - 11 - len(info)),
        padded(b"\0\1", info[-32:]),
        padded(b"\0\1", without_null),
    ):
        with pytest.raises(BadSignature):
            checks.verify(signed(bad))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_an_rsa_signature_has_one_form(alg: str, backend: Backend) -> None:
    """A signature plus the modulus gives the same block. It fits into the bytes for some signatures only."""
    n = private(alg).public_key().public_numbers().n
    checks = verifier(alg, backend=backend)
    for attempt in range(100):
        token = make(alg, {**CLAIMS, "jti": attempt})
        message, _, encoded = token.rpartition(".")
        more = int.from_bytes(base64.urlsafe_b64decode(encoded + "==")) + n
        if more >> 2048 == 0:
            checks.verify(token)
            with pytest.raises(BadSignature):
                checks.verify(message + "." + b64(more.to_bytes(256)))
            return
    pytest.fail("no signature was small enough")


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_part_of_a_pss_block_counts(backend: Backend) -> None:
    """Blocks of EMSA-PSS made by hand, each with one thing wrong, signed with the private exponent."""
    secret = private("PS256").private_numbers()
    n, d = secret.public_numbers.n, secret.d
    message = make("PS256").rpartition(".")[0]
    digest = hashlib.sha256(message.encode()).digest()

    def signed(
        salt: int, *, zeros: bytes = bytes(190), one: bytes = b"\1", top: int = 0, end: int = 0xBC
    ) -> str:
        number, attempt = n, 0
        while number >= n:  # a block with its first bit set may be larger than the modulus: another salt
            salted = attempt.to_bytes(salt)
            seed = hashlib.sha256(bytes(8) + digest + salted).digest()
            block = (zeros + one + salted)[-223:]
            mask = b"".join(hashlib.sha256(seed + count.to_bytes(4)).digest() for count in range(7))
            masked = bytearray(x ^ y for x, y in zip(block, mask[:223], strict=True))
            masked[0] = masked[0] & 0x7F | top
            number, attempt = int.from_bytes(bytes(masked) + seed + bytes([end])), attempt + 1
        return message + "." + b64(pow(number, d, n).to_bytes(256))

    checks = verifier("PS256", backend=backend)
    checks.verify(signed(32))
    for bad in (
        signed(32, one=b"\2"),
        signed(32, one=b"\0"),
        signed(32, zeros=b"\1" + bytes(189)),
        signed(32, zeros=bytes(189) + b"\1"),
        signed(32, top=0x80),
        signed(32, end=0xBD),
        signed(32, end=0xCC),
        signed(31, zeros=bytes(191)),
    ):
        with pytest.raises(BadSignature):
            checks.verify(bad)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("bits", [2048, 2049, 2055, 2056, 3072])
def test_pss_of_any_size_of_modulus_and_only_with_its_salt(bits: int, backend: Backend) -> None:
    secret = rsa.generate_private_key(public_exponent=3 if bits == 2048 else 65537, key_size=bits)
    public = secret.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    message = b64(b'{"alg":"PS512"}') + "." + b64(json.dumps(CLAIMS).encode())
    checks = verifier("PS512", keys=public, backend=backend)

    def signed(salt: int) -> str:
        kind = padding.PSS(padding.MGF1(hashes.SHA512()), salt)
        return message + "." + b64(secret.sign(message.encode(), kind, hashes.SHA512()))

    assert checks.verify(signed(64)) == CLAIMS
    for salt in (0, 63, 65):
        with pytest.raises(BadSignature):
            checks.verify(signed(salt))


@pytest.mark.parametrize("crv", CURVES)
def test_ecdsa_of_keys_that_meet_the_base_point(crv: str) -> None:
    """Keys 1, 2 and -1: sums in which a point is added to itself or to its opposite."""
    curve = CURVES[crv]
    kind: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
        "P-256": (ec.SECP256R1(), hashes.SHA256()),
        "P-384": (ec.SECP384R1(), hashes.SHA384()),
        "P-521": (ec.SECP521R1(), hashes.SHA512()),
    }
    for secret in (1, 2, 3, curve.n - 1, curve.n - 2):
        signer = ec.derive_private_key(secret, kind[crv][0])
        point = signer.public_key().public_numbers()
        table = multiples(curve, (point.x, point.y))
        for message in (b"", b"a", b"b"):
            r, s = decode_dss_signature(signer.sign(message, ec.ECDSA(kind[crv][1])))
            signature = r.to_bytes(curve.size) + s.to_bytes(curve.size)
            assert ecdsa.verify(curve, table, message, signature)
            assert not ecdsa.verify(curve, table, message + b".", signature)
            # r and s for which the sum is the point at infinity: r = -z / secret, any s.
            z = int.from_bytes(hashlib.new(curve.digest, message).digest())
            r = -z * pow(secret, -1, curve.n) % curve.n
            assert not ecdsa.verify(curve, table, message, r.to_bytes(curve.size) + s.to_bytes(curve.size))


def test_the_package_is_imported_when_it_is_worth_it_and_never_needed() -> None:
    jwk = json.dumps(RFC_EXAMPLES["RFC 7515, A.3"][0])
    program = f"""
import sys
from lambent.app.jwt.verifier import Verifier

def check(backend="auto"):
    verifier = Verifier(issuer="joe", audience=None, keys={jwk!r}, algorithms=["ES256"], required=(), backend=backend,
                        clock=lambda: 0)
    verifier.verify({RFC_EXAMPLES["RFC 7515, A.3"][2]!r})

check()
assert "cryptography" not in sys.modules
if sys.argv[1] == "missing":
    sys.modules["cryptography"] = None
for _ in range(150):
    check()
assert bool(sys.modules.get("cryptography")) == (sys.argv[1] == "there")
check("python")
try:
    check("cryptography")
except ImportError:
    assert sys.argv[1] == "missing"
else:
    assert sys.argv[1] == "there"
"""
    for case in ("there", "missing"):
        subprocess.run([sys.executable, "-c", program, case], check=True)


# --- What a token may not choose


def test_an_rsa_key_is_never_a_secret() -> None:
    public = pem("RS256")
    message = b64(b'{"alg":"HS256"}') + "." + b64(json.dumps(CLAIMS).encode())
    forged = message + "." + b64(hmac.digest(public.encode(), message.encode(), "sha256"))
    with pytest.raises(WrongAlgorithm):
        verifier("RS256").verify(forged)
    with pytest.raises(UnknownKey):
        verifier("RS256", keys={"a": public, "b": SECRET}, algorithms=["RS256", "HS256"]).verify(
            forged.replace(b64(b'{"alg":"HS256"}'), b64(b'{"alg":"HS256","kid":"a"}'))
        )
    with pytest.raises(ValueError, match="fit none of the algorithms HS256"):
        verifier("RS256", keys=public.encode(), algorithms=["HS256"])
    with pytest.raises(BadSignature):
        verifier("RS256", keys=[public, SECRET], algorithms=["RS256", "HS256"]).verify(forged)


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "RS257", "HS256\0"])
def test_other_algorithms_are_refused(name: str) -> None:
    token = b64(json.dumps({"alg": name}).encode()) + "." + b64(json.dumps(CLAIMS).encode()) + "."
    for end in ("", "AA"):
        with pytest.raises(WrongAlgorithm):
            verifier("RS256").verify(token + end)
    with pytest.raises(ValueError, match="algorithms"):
        verifier("RS256", algorithms=[name])


@pytest.mark.parametrize("signed", ALL)
@pytest.mark.parametrize("allowed", ["HS256", "RS256", "PS256", "ES256", "EdDSA"])
def test_only_the_configured_algorithm(signed: str, allowed: str) -> None:
    if signed != allowed:
        with pytest.raises(WrongAlgorithm):
            verifier(allowed).verify(make(signed))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": None},
        {"b64": False, "crit": ["b64"]},
        {"enc": "A256GCM"},
        {"kid": 1},
        {"kid": None},
        {"typ": ["JWT"]},
        {"alg": None},
        {"alg": ["HS256"]},
    ],
    ids=str,
)
def test_headers_that_are_refused(header: dict[str, object]) -> None:
    body = b64(json.dumps({"alg": "HS256", **header}).encode()) + "." + b64(json.dumps(CLAIMS).encode())
    with pytest.raises(MalformedToken):
        verifier("HS256").verify(body + "." + b64(sign("HS256", body.encode())))


def test_keys_that_a_token_brings_along_are_not_used() -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = stranger.public_key().public_numbers()
    jwk = {"kty": "RSA", "n": b64(numbers.n.to_bytes(256)), "e": "AQAB"}
    header = {"alg": "RS256", "jwk": jwk, "jku": "http://127.0.0.1:9/", "x5c": ["AA"]}
    message = b64(json.dumps(header).encode()) + "." + b64(json.dumps(CLAIMS).encode())
    signature = stranger.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(BadSignature):
        verifier("RS256").verify(message + "." + b64(signature))


GOOD = make("HS256")
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        f"{HEADER}.{PAYLOAD}",
        f"{GOOD}.",
        f"{GOOD}.a.b",
        f".{GOOD}",
        f"{GOOD}=",
        f"{GOOD}\n",
        f" {GOOD}",
        f"Bearer {GOOD}",
        f"{HEADER}=.{PAYLOAD}.{SIGNATURE}",
        f"{HEADER}.{PAYLOAD}\u00df.{SIGNATURE}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-1]}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-2]}+/",
        f"{b64(b'[]')}.{PAYLOAD}.{SIGNATURE}",
        f"{b64(b'{}')}.{PAYLOAD}.{SIGNATURE}",
        f"{b64(b'[' * 6000)}.{PAYLOAD}.{SIGNATURE}",
        b64(b'{"alg":"HS256","x":' + b"[" * 6000) + f".{PAYLOAD}.{SIGNATURE}",
        f"{b64(bytes([0x7B, 0xFF, 0x7D]))}.{PAYLOAD}.{SIGNATURE}",
        "a" * 16385,
        "." * 16384,
    ],
    ids=lambda token: token[:24] + str(len(token)),
)
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(MalformedToken):
        verifier("HS256").verify(token)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xff",
        b'{"a":"\xff"}',
        b'{"exp":NaN}',
        b"[" * 9000,
        b'{"a":' * 1800,
    ],
)
def test_signed_payloads_that_are_no_object(payload: bytes) -> None:
    with pytest.raises(MalformedToken):
        verifier("HS256").verify(make("HS256", payload))


def test_size_up_to_16_kb() -> None:
    room = 16384 - len(make("HS256", {**CLAIMS, "x": ""}))
    big = make("HS256", {**CLAIMS, "x": "y" * (room * 3 // 4 - 3)})
    assert 16370 < len(big) <= 16384
    assert verifier("HS256").verify(big)["sub"] == "someone"
    with pytest.raises(MalformedToken, match="longer than 16 KB"):
        verifier("HS256").verify(make("HS256", {**CLAIMS, "x": "y" * (room * 3 // 4 + 3)}))


@given(st.text(st.characters(codec="latin-1"), max_size=80))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        verifier("HS256").verify(text)


# --- Claims


@pytest.mark.parametrize(
    ("changes", "options", "error"),
    [
        ({}, {}, None),
        ({"exp": NOW}, {}, ExpiredToken),
        ({"exp": NOW + 1}, {}, None),
        ({"exp": NOW + 0.5}, {}, None),
        ({"exp": NOW - 0.5}, {}, ExpiredToken),
        ({"exp": NOW - 9}, {"leeway": 10}, None),
        ({"exp": NOW - 10}, {"leeway": 10}, ExpiredToken),
        ({"exp": None}, {}, MalformedToken),
        ({"exp": str(NOW + 60)}, {}, MalformedToken),
        ({"exp": True}, {}, MalformedToken),
        ({"exp": 10**40}, {}, MalformedToken),
        ({"exp": 1e300}, {}, MalformedToken),
        ({"exp": ...}, {}, MissingClaim),
        ({"exp": ...}, {"required": ()}, None),
        ({"nbf": NOW}, {}, None),
        ({"nbf": NOW + 1}, {}, NotYetValid),
        ({"nbf": NOW + 10}, {"leeway": 10}, None),
        ({"nbf": "0"}, {}, MalformedToken),
        ({"iat": NOW}, {}, None),
        ({"iat": NOW + 1}, {}, NotYetValid),
        ({"iat": NOW + 10}, {"leeway": 10}, None),
        ({"iss": "you"}, {}, WrongIssuer),
        ({"iss": "me/"}, {}, WrongIssuer),
        ({"iss": ["me"]}, {}, WrongIssuer),
        ({"iss": ...}, {}, WrongIssuer),
        ({"iss": "b"}, {"issuer": ["a", "b"]}, None),
        ({"iss": "c"}, {"issuer": ["a", "b"]}, WrongIssuer),
        ({"iss": "c"}, {"issuer": None}, None),
        ({"aud": "me"}, {}, WrongAudience),
        ({"aud": ["x", "you"]}, {}, None),
        ({"aud": ["x", "y"]}, {}, WrongAudience),
        ({"aud": []}, {}, WrongAudience),
        ({"aud": [["you"]]}, {}, WrongAudience),
        ({"aud": {"you": 1}}, {}, WrongAudience),
        ({"aud": ...}, {}, WrongAudience),
        ({"aud": ...}, {"audience": None}, None),
        ({"aud": "b"}, {"audience": ["a", "b"]}, None),
        ({"aud": ..., "client_id": "you"}, {}, WrongAudience),
        ({"aud": ..., "client_id": "you", "token_use": "id"}, {}, WrongAudience),
        ({"aud": ..., "client_id": "you", "token_use": "access"}, {}, None),
        ({"aud": "x", "client_id": "you", "token_use": "access"}, {}, WrongAudience),
        ({"aud": ..., "client_id": "x", "token_use": "access"}, {}, WrongAudience),
        ({"token_use": "access"}, {"token_use": "access"}, None),
        ({"token_use": "id"}, {"token_use": "access"}, WrongTokenUse),
        ({}, {"token_use": "access"}, WrongTokenUse),
        ({"scope": "a b"}, {"required": ("exp", "scope")}, None),
        ({}, {"required": ("exp", "scope")}, MissingClaim),
        ({"scope": None}, {"required": ["scope"]}, MissingClaim),
    ],
    ids=str,
)
def test_claims(
    changes: dict[str, object], options: dict[str, Any], error: type[InvalidToken] | None
) -> None:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    checks, token = verifier("HS256", **options), make("HS256", claims)
    if error is None:
        assert checks.verify(token) == claims
    else:
        with pytest.raises(InvalidToken) as raised:
            checks.verify(token)
        assert type(raised.value) is error


@pytest.mark.parametrize(
    ("typ", "accepted"),
    [("at+jwt", True), ("application/AT+JWT", True), ("JWT", False), (None, False)],
)
def test_typ(typ: str | None, accepted: bool) -> None:
    checks = verifier("HS256", typ="at+jwt")
    token = make("HS256", **({} if typ is None else {"typ": typ}))
    if accepted:
        checks.verify(token)
    else:
        with pytest.raises(WrongTokenUse):
            checks.verify(token)


class User(msgspec.Struct):
    sub: str
    groups: list[str] = msgspec.field(name="cognito:groups", default_factory=list)


def test_typed_claims() -> None:
    checks: Verifier[User] = Verifier(
        issuer=None, audience=None, keys=SECRET, algorithms=["HS256"], claims_type=User, clock=lambda: NOW
    )
    user = checks.verify(make("HS256", {**CLAIMS, "cognito:groups": ["admin"]}))
    assert user == User("someone", ["admin"])
    with pytest.raises(MalformedToken) as raised:
        checks.verify(make("HS256", {**CLAIMS, "cognito:groups": "admin"}))
    assert "admin" not in str(raised.value)


def test_claims_are_not_looked_at_before_the_signature() -> None:
    expired = make("HS256", {**CLAIMS, "exp": 0})
    with pytest.raises(BadSignature):
        verifier("HS256").verify(expired[:-4] + "AAAA")


def test_texts_repeat_nothing_of_the_token_or_the_configuration() -> None:
    for claims in ({"iss": "evil", "aud": "you", "exp": 9e9}, {"iss": "me", "aud": "evil", "exp": 9e9}):
        with pytest.raises(InvalidToken) as raised:
            verifier("HS256").verify(make("HS256", claims))
        assert not {"evil", "me", "you"} & set(str(raised.value).split())
    with pytest.raises(UnknownKey) as unknown:
        verifier("HS256", keys={"mine": SECRET}).verify(make("HS256", kid='evil"\r\nX: y'))
    assert str(unknown.value) == "the token's key is not known"


# --- Configuration


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"algorithms": []}, "algorithms"),
        ({"algorithms": ["none"]}, "none is none of"),
        ({"issuer": ""}, "issuer"),
        ({"audience": []}, "audience"),
        ({"leeway": -1}, "leeway"),
        ({"leeway": float("nan")}, "leeway"),
        ({"jwks_url": "https://a.example/"}, "give one of them"),
        ({"keys": None, "jwks_url": "https://a.example/"}, "secrets are not published"),
        ({"keys": None, "algorithms": ["RS256"], "issuer": None}, "issuer is needed"),
        ({"keys": None, "algorithms": ["RS256"], "issuer": "me"}, "not an address"),
        ({"keys": b"short"}, "32 bytes"),
        ({"keys": SECRET[:32], "algorithms": ["HS512"]}, "fit none"),
        ({"keys": "a secret as text, which might be a path as well"}, "given as bytes"),
        ({"keys": []}, "0 of 0"),
        ({"keys": 5}, "not int"),
    ],
    ids=str,
)
def test_configurations_that_cannot_work(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        verifier("HS256", **options)
