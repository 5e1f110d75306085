"""Verification of JSON Web Tokens: signatures, claims, and the key sets of issuers.

`verifier` is the face, `errors` what it raises; `keys` are public keys and secrets, `der` reads PEM files, `remote`
fetches key sets, and `rsa`, `ecdsa`, `ed25519` do the arithmetic with the standard library alone. Signing, and
encrypted tokens (JWE), are not here. Imported when used: nothing in this file imports anything.
"""
