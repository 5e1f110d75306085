"""JWT authorizers: which tokens are good, and what is said of the others."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.gateway.authorizers.conftest import Issuer, b64, jwk, jwt_door, opened, private_key, served, signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.authorizers import Verdict


def challenge(verdict: Verdict) -> str:
    assert [name for name, _ in verdict.headers] == ["www-authenticate"]
    return verdict.headers[0][1]


def refused(verdict: Verdict, description: str, scope: str = "") -> None:
    assert (verdict.allowed, verdict.status, verdict.message) == (False, 401, "Unauthorized")
    assert (
        challenge(verdict)
        == f'Bearer scope="{scope}" error="invalid_token" error_description="{description}"'
    )
    assert verdict.error == f"invalid_token: {description}"


async def test_a_good_token() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    claims = issuer.claims(
        groups=["admin", "poweruser"], verified=True, age=30, ratio=0.5, middle=None, address={"city": "Ulm"}
    )
    claims["nothing"] = None
    async with opened(jwt_door(issuer), issuer) as door:
        first = await door.ask_with(signed(claims))
        second = await door.ask_with(signed(claims))
        third = await door.ask(("Authorization", signed(issuer.claims(sub="bob"))))
    assert (first.at_once, second.at_once, third.at_once) == (False, True, True)
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    expected = {
        "claims": {
            "iss": issuer.url,
            "sub": "ann",
            "aud": "shop",
            "iat": str(claims["iat"]),
            "exp": str(claims["exp"]),
            "groups": "[admin poweruser]",
            "verified": "true",
            "age": "30",
            "ratio": "0.5",
            "address": '{"city":"Ulm"}',
        },
        "scopes": None,
    }
    for judged in (first, second):
        assert judged.verdict.allowed
        assert judged.verdict.context == {"jwt": expected}
        assert judged.verdict.context_v1 == expected
        assert judged.verdict.variables["claims.sub"] == "ann"
    assert third.verdict.variables["claims.sub"] == "bob"


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512"])
async def test_algorithms_of_rsa(alg: str) -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(signed(issuer.claims(), alg=alg))).verdict.allowed


async def test_no_token() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    async with opened(jwt_door(issuer), issuer) as door:
        for headers in ([], [("Authorization", "")], [("Authorization", "Bearer ")]):
            judged = await door.ask(*headers)
            assert judged.at_once
            assert (judged.verdict.status, judged.verdict.message) == (401, "Unauthorized")
            assert challenge(judged.verdict) == "Bearer"
    assert issuer.asked == []


async def test_a_token_in_the_query() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    async with opened(jwt_door(issuer, source="$request.querystring.token"), issuer) as door:
        assert (await door.ask(target=f"/pets?token={signed(issuer.claims())}")).verdict.allowed
        assert not (await door.ask_with(signed(issuer.claims()))).verdict.allowed


NOW = int(time.time())


@pytest.mark.parametrize(
    ("changed", "description"),
    [
        ({"aud": "else"}, "the token does not have a valid audience"),
        ({"aud": None}, "the token does not have a valid audience"),
        ({"aud": []}, "the token does not have a valid audience"),
        ({"aud": 7}, "the token does not have a valid audience"),
        # client_id counts only where there is no aud.
        ({"aud": "else", "client_id": "shop"}, "the token does not have a valid audience"),
        ({"aud": "", "client_id": "shop"}, "the token does not have a valid audience"),
        ({"iss": "https://elsewhere"}, "issuer does not match"),
        ({"iss": None}, "issuer does not match"),
        ({"exp": NOW - 1}, "the token has expired"),
        ({"exp": None}, "the token does not have an expiration time"),
        ({"exp": "soon"}, "the token's exp is not a number"),
        ({"exp": True}, "the token's exp is not a number"),
        ({"nbf": NOW + 600}, "the token is not valid yet"),
        ({"iat": NOW + 600}, "the token was issued in the future"),
    ],
)
async def test_claims_that_do_not_hold(changed: dict[str, Any], description: str) -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    async with opened(jwt_door(issuer), issuer) as door:
        token = signed(issuer.claims(**changed))
        refused((await door.ask_with(token)).verdict, description)
        refused((await door.ask_with(token)).verdict, description)  # by what is kept of it


@pytest.mark.parametrize(
    "changed",
    [{"aud": ["else", "bar"]}, {"aud": None, "client_id": "shop"}, {"nbf": NOW - 1}, {"exp": NOW + 0.5e9}],
)
async def test_claims_that_hold(changed: dict[str, Any]) -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(signed(issuer.claims(**changed)))).verdict.allowed


async def test_a_kept_token_expires() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    token = signed(issuer.claims(exp=time.time() + 0.4))
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(token)).verdict.allowed
        deadline = time.time() + 10
        while (judged := await door.ask_with(token)).verdict.allowed:
            assert time.time() < deadline
        refused(judged.verdict, "the token has expired")


# ---------------------------------------------------------------- scopes


@pytest.mark.parametrize(
    ("claims", "allowed"),
    [
        ({"scope": "openid pets.read"}, True),
        ({"scp": "pets.write"}, True),
        ({"scp": ["email", "pets.read"]}, True),
        ({"scope": "pets.readall"}, False),
        ({"scope": "pets"}, False),
        ({"scope": 7}, False),
        ({}, False),
    ],
)
async def test_scopes(claims: dict[str, Any], allowed: bool) -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    async with opened(jwt_door(issuer, scopes=("pets.read", "pets.write")), issuer) as door:
        verdict = (await door.ask_with(signed(issuer.claims(**claims)))).verdict
        assert verdict.allowed is allowed
        if allowed:
            assert verdict.context is not None
            given = claims.get("scp", claims.get("scope"))
            assert verdict.context["jwt"]["scopes"] == (given.split() if isinstance(given, str) else given)
        else:
            assert (verdict.status, verdict.message) == (403, "Forbidden")
            expected = "expected scopes: [pets.read pets.write]"
            assert challenge(verdict) == (
                f'Bearer scope="pets.read pets.write" error="insufficient_scope" error_description="{expected}"'
            )
            assert verdict.error == f"insufficient_scope: {expected}"
        refused((await door.ask_with("x.y")).verdict, INVALID_COUNT, "pets.read pets.write")


async def test_a_route_that_is_changed() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    token = signed(issuer.claims(scope="pets.read"))
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(token)).verdict.allowed
        route = msgspec.structs.replace(door.route, authorization_scopes=("pets.write",))
        door.deployed = served(route, authorizers=tuple(door.deployed.authorizers.values()))
        judged = await door.ask_with(token)
        assert judged.at_once
        assert judged.verdict.status == 403


# ---------------------------------------------------------------- forged tokens

INVALID_COUNT = "token contains an invalid number of segments"


def _with_header(**header: Any) -> Callable[[Issuer], str]:
    def made(issuer: Issuer) -> str:
        good = signed(issuer.claims()).split(".")
        return ".".join((b64(json.dumps(header).encode()), *good[1:]))

    return made


def _mac_with_public_key(issuer: Issuer) -> str:
    """HS256 with the public key as the secret: verified by whoever believes the header."""
    pem = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = b64(b'{"alg":"HS256","kid":"one"}'), b64(json.dumps(issuer.claims()).encode())
    return f"{head}.{body}.{b64(hmac.digest(pem, f'{head}.{body}'.encode(), hashlib.sha256))}"


def _changed_claims(issuer: Issuer) -> str:
    head, _, signature = signed(issuer.claims()).split(".")
    return f"{head}.{b64(json.dumps(issuer.claims(sub='root')).encode())}.{signature}"


@pytest.mark.parametrize(
    ("made", "description"),
    [
        (lambda issuer: "nonsense", INVALID_COUNT),
        (lambda issuer: f"{signed(issuer.claims())}.x", INVALID_COUNT),
        (lambda issuer: "a.b.c", "the token's header is not valid"),
        (lambda issuer: "é.b.c", "the token's header is not valid"),
        (lambda issuer: f"{b64(b'[]')}.b.c", "the token's header is not valid"),
        (lambda issuer: f"{b64(b'[' * 5000)}.b.c", "the token's header is not valid"),
        (_with_header(alg="none", kid="one"), "signing method none is invalid"),
        (_with_header(alg="None", kid="one"), "signing method None is invalid"),
        (_with_header(kid="one"), "signing method None is invalid"),
        (_with_header(alg=["RS256"], kid="one"), "signing method ['RS256'] is invalid"),
        (_with_header(alg='RS"256\r\n', kid="one"), "signing method RS'256?? is invalid"),
        (_with_header(alg="ES256", kid="one"), "signing method ES256 is invalid"),
        (_mac_with_public_key, "signing method HS256 is invalid"),
        (lambda issuer: signed(issuer.claims(), alg="PS256"), "signing method PS256 is invalid"),
        (_with_header(alg="RS256"), "the token does not name its key"),
        (_with_header(alg="RS256", kid=7), "the token does not name its key"),
        (_with_header(alg="RS256", kid="one", typ="JWT"), "signature verification failed"),
        (_with_header(alg="RS512", kid="one"), "signature verification failed"),
        (_changed_claims, "signature verification failed"),
        (lambda issuer: signed(issuer.claims(), number=1), "signature verification failed"),
        (lambda issuer: signed(issuer.claims()).rpartition(".")[0] + ".", "signature verification failed"),
        (
            lambda issuer: signed(issuer.claims(), crit=["exp"], exp=1),
            "signature verification failed",
        ),
        (
            # Its own key in the header is not believed.
            lambda issuer: signed(issuer.claims(), number=1, jwk=jwk("one", 1)),
            "signature verification failed",
        ),
        (
            lambda issuer: signed(issuer.claims(), kid="two"),
            "unable to find a signing key that matches 'two'",
        ),
        (lambda issuer: signed(b"[1]"), "the token's claims are not valid"),
        (lambda issuer: signed(b"\xff"), "the token's claims are not valid"),
        (lambda issuer: signed(b"[" * 5000), "the token's claims are not valid"),
    ],
)
async def test_tokens_that_are_forged(made: Callable[[Issuer], str], description: str) -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    async with opened(jwt_door(issuer), issuer) as door:
        refused((await door.ask_with(made(issuer))).verdict, description)
        assert (await door.ask_with(signed(issuer.claims()))).verdict.allowed


async def test_headers_of_providers() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    token = signed(issuer.claims(), typ="at+jwt", nonce="x", x5t="y" * 600, pi_atm="z")
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(token)).verdict.allowed
