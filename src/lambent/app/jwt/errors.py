"""Why a token is not accepted.

InvalidToken            the token: answer 401
├── MalformedToken          not a signed token, too large, or its claims are not of their types
├── WrongAlgorithm          signed with an algorithm that is not among the allowed ones
├── UnknownKey              signed with a key that the issuer does not publish
├── BadSignature            the signature is not that of the key
├── ExpiredToken            `exp` has passed
├── NotYetValid             `nbf` or `iat` is still to come
├── WrongIssuer             `iss` is another one, or missing
├── WrongAudience           `aud` names others, or is missing
├── WrongTokenUse           `token_use` or `typ` is that of another kind of token
└── MissingClaim            a claim that is required is missing
KeysUnavailable         not the token: the issuer's keys cannot be had: answer 503

The texts are fixed ones: they repeat nothing of the token and nothing of the configuration, so they can be logged and
sent to the caller (RFC 6750's `error_description`) as they are. KeysUnavailable names the address; it is for logs.
"""

from __future__ import annotations


class InvalidToken(Exception):
    """The token is not accepted; each reason is a subclass."""


class MalformedToken(InvalidToken):
    """It is not a compact JWS, it is too large, or its claims are not of their types."""


class WrongAlgorithm(InvalidToken):
    """Its algorithm is not among the allowed ones."""


class UnknownKey(InvalidToken):
    """No known key fits its `kid` and algorithm."""


class BadSignature(InvalidToken):
    """The signature is not that of the key."""


class ExpiredToken(InvalidToken):
    """`exp` has passed."""


class NotYetValid(InvalidToken):
    """`nbf` or `iat` is still to come."""


class WrongIssuer(InvalidToken):
    """`iss` is another one, or missing."""


class WrongAudience(InvalidToken):
    """`aud` names others, or is missing."""


class WrongTokenUse(InvalidToken):
    """`token_use` or `typ` is that of another kind of token."""


class MissingClaim(InvalidToken):
    """A claim that is required is missing."""


class KeysUnavailable(Exception):
    """The issuer's keys could not be fetched, and none are known from before. It says nothing about the token."""
