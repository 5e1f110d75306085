"""RSA signatures, verified: RSASSA-PKCS1-v1_5 and RSASSA-PSS of RFC 8017, with the parameters of RFC 7518."""

from __future__ import annotations

import hashlib

_HASHES = {"256": "sha256", "384": "sha384", "512": "sha512"}

# RFC 8017, section 9.2, note 1: the DER encoding of DigestInfo up to the digest.
_DIGEST_INFO = {
    "256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


def verify(alg: str, n: int, e: int, message: bytes, signature: bytes) -> bool:
    """Whether it is the key's signature of the message. `alg` is RS256, PS256, RS384 and so on."""
    size = (n.bit_length() + 7) // 8
    number = int.from_bytes(signature)
    if len(signature) != size or number >= n:
        return False
    number = pow(number, e, n)
    digest = hashlib.new(_HASHES[alg[2:]], message).digest()
    if alg[0] == "P":
        return _verify_pss(number, n.bit_length() - 1, digest, _HASHES[alg[2:]])
    # The block is built and compared as a whole. Reading the digest out of the block that was signed is what made
    # signatures forgeable for small exponents (Bleichenbacher 2006).
    end = _DIGEST_INFO[alg[2:]] + digest
    return number.to_bytes(size) == b"\x00\x01" + b"\xff" * (size - 3 - len(end)) + b"\x00" + end


def _verify_pss(number: int, bits: int, digest: bytes, hash_name: str) -> bool:
    """EMSA-PSS-VERIFY (RFC 8017, section 9.1.2); the salt is as long as the digest (RFC 7518, section 3.5)."""
    length = (bits + 7) // 8
    if number.bit_length() > bits:
        return False
    encoded = number.to_bytes(length)
    size = len(digest)
    masked, seed = encoded[: length - size - 1], encoded[length - size - 1 : -1]
    if encoded[-1] != 0xBC:
        return False
    mask = b"".join(
        hashlib.new(hash_name, seed + counter.to_bytes(4)).digest()
        for counter in range(-(-len(masked) // size))
    )
    block = int.from_bytes(masked) ^ int.from_bytes(mask[: len(masked)])
    block &= (1 << (bits - 8 * (size + 1))) - 1
    salt_and_one = block.to_bytes(len(masked))
    if salt_and_one[:-size] != bytes(len(masked) - size - 1) + b"\x01":
        return False
    return hashlib.new(hash_name, bytes(8) + digest + salt_and_one[-size:]).digest() == seed
