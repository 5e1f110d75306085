"""Code signing configurations: whose signatures the code of functions must carry, and what happens without.

AWS Signer's signatures cannot be verified here: every package counts as unsigned.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from lambent.functions.errors import (
    CodeNotSigned,
    InvalidConfiguration,
    SigningConfigDeleted,
    SigningConfigInUse,
    SigningConfigNotFound,
)
from lambent.functions.names import partition_of
from lambent.functions.transitions import now_ms
from lambent.functions.turns import Turns
from lambent.store import Conflict, Database, Statement

if TYPE_CHECKING:
    from collections.abc import Callable

# How often a change is computed anew because another writer was faster.
_ATTEMPTS = 5


class SigningConfig(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One configuration. `publishers` are ARNs of signing profile versions; times in ms since the epoch."""

    account: str
    region: str
    id: str
    publishers: tuple[str, ...]
    modified_ms: int
    untrusted: Literal["Warn", "Enforce"] = "Warn"
    description: str = ""
    tags: dict[str, str] = {}
    revision: int = 1

    @property
    def arn(self) -> str:
        """Its ARN."""
        partition = partition_of(self.region)
        return f"arn:{partition}:lambda:{self.region}:{self.account}:code-signing-config:{self.id}"


_decode = msgspec.json.Decoder(SigningConfig).decode
_encode = msgspec.json.Encoder().encode


class SigningRegistry:
    """All code signing configurations of the platform: reads from memory, changes through the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._configs: dict[str, SigningConfig] = {}
        self._turns: Turns[str] = Turns()

    async def load(self) -> None:
        """Read every configuration. Raises StoreError."""
        rows = await self._database.read("SELECT document FROM code_signing_configs")
        configs = [_decode(str(document)) for (document,) in rows]
        self._configs = {config.arn: config for config in configs}

    # Reading

    def get(self, arn: str, account: str, region: str) -> SigningConfig:
        """The configuration of that ARN, for `account` in `region`. Raises SigningConfigNotFound."""
        config = self._configs.get(arn)
        if config is None or (config.account, config.region) != (account, region):
            raise SigningConfigNotFound(arn)
        return config

    def configs(self, account: str, region: str) -> list[SigningConfig]:
        """Those of an account in a region, by id."""
        found = [one for one in self._configs.values() if (one.account, one.region) == (account, region)]
        return sorted(found, key=lambda config: config.id)

    @staticmethod
    def check_package_type(package_type: str) -> None:
        """Raise InvalidConfiguration for functions that signatures are not made for."""
        if package_type == "Image":
            raise InvalidConfiguration(
                "Code signing is not supported for functions created with container images."
            )

    def check_known(self, arn: str, account: str, region: str) -> None:
        """Raise SigningConfigDeleted unless functions of `account` in `region` can be bound to it."""
        config = self._configs.get(arn)
        if config is None or (config.account, config.region) != (account, region):
            raise SigningConfigDeleted(arn)

    def check_deployable(self, arn: str | None, name: str) -> None:
        """Raise CodeNotSigned when function `name`, bound to `arn`, may only be deployed with signed code.

        Raises SigningConfigDeleted when there is no such configuration any more.
        """
        if arn is None:
            return
        config = self._configs.get(arn)
        if config is None:
            raise SigningConfigDeleted(arn)
        if config.untrusted == "Enforce":
            raise CodeNotSigned(name)

    # Changing

    async def create(
        self,
        account: str,
        region: str,
        publishers: tuple[str, ...],
        *,
        untrusted: Literal["Warn", "Enforce"] = "Warn",
        description: str = "",
        tags: dict[str, str] | None = None,
    ) -> SigningConfig:
        """Add a configuration. Raises StoreError."""
        config = SigningConfig(
            account=account,
            region=region,
            # 17 hexadecimal digits, as in csc-077c33b4c19e26036.
            id=f"csc-{secrets.token_hex(9)[:17]}",
            publishers=publishers,
            modified_ms=now_ms(),
            untrusted=untrusted,
            description=description,
            tags=tags or {},
        )
        await self._database.write(
            Statement(
                "INSERT INTO code_signing_configs (arn, account, region, revision, document)"
                " VALUES (?, ?, ?, ?, ?)",
                (config.arn, account, region, config.revision, _encode(config).decode()),
                expect=1,
            )
        )
        self._configs[config.arn] = config
        return config

    async def change(self, arn: str, change: Callable[[SigningConfig], SigningConfig]) -> SigningConfig:
        """Replace a configuration by what `change`, a pure function, makes of it. Returns the new one.

        Raises SigningConfigNotFound, StoreError and what `change` raises.
        """
        async with self._turns.take(arn):
            for _ in range(_ATTEMPTS):
                old = self._configs.get(arn)
                if old is None:
                    raise SigningConfigNotFound(arn)
                new = replace(change(old), revision=old.revision + 1)
                try:
                    await self._database.write(
                        Statement(
                            "UPDATE code_signing_configs SET revision = ?, document = ?"
                            " WHERE arn = ? AND revision = ?",
                            (new.revision, _encode(new).decode(), arn, old.revision),
                            expect=1,
                        )
                    )
                except Conflict:
                    await self.load()
                    continue
                self._configs[arn] = new
                return new
        raise Conflict(f"{arn} keeps changing")

    async def delete(self, arn: str) -> None:
        """Delete a configuration. Raises SigningConfigNotFound, SigningConfigInUse, StoreError."""
        async with self._turns.take(arn):
            if arn not in self._configs:
                raise SigningConfigNotFound(arn)
            try:
                await self._database.write(
                    Statement(
                        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM function_attachments"
                        " WHERE kind = 'options' AND document LIKE '%' || ? || '%')",
                        (arn,),
                        expect=1,
                    ),
                    Statement("DELETE FROM code_signing_configs WHERE arn = ?", (arn,)),
                )
            except Conflict:
                raise SigningConfigInUse(arn) from None
            del self._configs[arn]

    async def clear(self) -> None:
        """Delete all. Raises StoreError."""
        await self._database.write(Statement("DELETE FROM code_signing_configs"))
        self._configs.clear()

    @staticmethod
    def guard(arn: str) -> Statement:
        """Conflict when the configuration is not there: for transactions that refer to it."""
        return Statement("SELECT 1 FROM code_signing_configs WHERE arn = ?", (arn,), expect=1)
