"""SQLite in WAL mode behind the Database interface.

One writer thread takes everything that has been submitted since its last commit, runs it in one SQLite
transaction with a savepoint for each submitted one, commits (one fsync for all of them), and wakes all
waiters with a single call into the loop. Reads run inline on the loop, on a connection of their own: a
point query costs less than handing it to a thread.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from lambent.store import schema
from lambent.store.errors import Conflict, StorageFull, StoreClosed, StoreError
from lambent.store.locks import FileLock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lambent.store.database import Done, Results, Row, Statement, Value
    from lambent.store.opening import Durability

_Job: TypeAlias = "tuple[Sequence[Statement], Done]"
_Outcome: TypeAlias = "tuple[Done, Results | None, StoreError | None]"

_MAX_BATCH = 1024
# Checkpoints copy the log into the database file. They are done by the writer between batches: when nobody
# waits, after about this many bytes, and regardless of waiters after the larger number, so that the log stays
# bounded under a load that never pauses.
_CHECKPOINT_IDLE = 4_000_000
_CHECKPOINT_ALWAYS = 64_000_000
_STATEMENT_BYTES = 2_000  # of log that a small statement makes: part of a page or two

# What sqlite3 raises; the latter two for values that no column can hold: half a surrogate pair, a number above 64 bits.
_ERRORS = (sqlite3.Error, ValueError, OverflowError)

_log = logging.getLogger(__name__)


class SqliteDatabase:
    """Use `open`; one instance per database file and process."""

    def __init__(
        self,
        lock: FileLock,
        reader: sqlite3.Connection,
        writer: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._lock = lock
        self._reader = reader
        self._writer = writer
        self._loop = loop
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="lambent-store", daemon=True)
        self._thread.start()

    @classmethod
    async def open(
        cls, path: Path, durability: Durability, migrations: list[schema.Migration]
    ) -> SqliteDatabase:
        """Lock, open and migrate the file at `path`; its folder is made when missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(path.name + ".lock"))
        connections: list[sqlite3.Connection] = []
        try:
            for _ in range(2):
                connections.append(_connect(path, durability))  # noqa: PERF401 - closed below when the second fails
            writer, reader = connections
            _migrate(writer, migrations)
            reader.execute("PRAGMA query_only = ON")
        except BaseException as error:
            for connection in connections:
                connection.close()
            lock.release()
            if isinstance(error, sqlite3.Error):
                raise _translated(error) from error
            raise
        return cls(lock, reader, writer, asyncio.get_running_loop())

    async def read(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        return self.read_now(sql, params)

    def read_now(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        if self._closed:
            raise StoreClosed("the database is closed")
        try:
            return self._reader.execute(sql, params).fetchall()
        except _ERRORS as error:
            raise _translated(error) from error

    async def write(self, *statements: Statement) -> Results:
        future: asyncio.Future[Results] = self._loop.create_future()

        def done(results: Results | None, error: StoreError | None) -> None:
            if future.done():
                return  # the caller was cancelled; what it asked for has happened all the same
            if error is not None:
                future.set_exception(error)
            elif results is not None:
                future.set_result(results)

        self.submit(statements, done)
        return await future

    def submit(self, statements: Sequence[Statement], done: Done) -> None:
        if self._closed:
            self._loop.call_soon(done, None, StoreClosed("the database is closed"))
        else:
            self._queue.put((statements, done))

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await self._ended.wait()

    # The writer thread, from here down.

    def _run(self) -> None:
        since_checkpoint = 0
        running = True
        while running:
            job = self._queue.get()
            batch: list[_Job] = []
            try:
                while job is not None:
                    batch.append(job)
                    if len(batch) == _MAX_BATCH:
                        break
                    job = self._queue.get_nowait()
                running = job is not None
            except Empty:
                pass
            if batch:
                outcomes = self._write(batch)
                self._loop.call_soon_threadsafe(_tell, outcomes)
                since_checkpoint += sum(_log_bytes(statements) for statements, _ in batch)
            if since_checkpoint >= _CHECKPOINT_ALWAYS or (
                since_checkpoint >= _CHECKPOINT_IDLE and self._queue.empty()
            ):
                self._checkpoint()
                since_checkpoint = 0
        self._reader.close()
        self._writer.close()
        self._lock.release()
        self._loop.call_soon_threadsafe(self._ended.set)

    # The thread gives up the GIL for each statement and has to wait for it afterwards while the loop is busy: the
    # fewer statements, the better. BEGIN, COMMIT and savepoints are left out where nothing needs them.

    def _write(self, batch: list[_Job]) -> list[_Outcome]:
        if len(batch) == 1:
            statements, done = batch[0]
            if len(statements) == 1 and statements[0].expect is None:
                return [self._write_one(statements[0], done)]
        return self._commit(batch)

    def _write_one(self, statement: Statement, done: Done) -> _Outcome:
        """A single statement without an expectation is a transaction by itself."""
        try:
            cursor = self._writer.execute(statement.sql, statement.params)
            return done, [cursor.fetchall() if cursor.description is not None else []], None
        except _ERRORS as error:
            return done, None, _translated(error)

    def _commit(self, batch: list[_Job]) -> list[_Outcome]:
        writer = self._writer
        try:
            writer.execute("BEGIN IMMEDIATE")
            alone = len(batch) == 1
            outcomes = [self._apply(statements, done, alone=alone) for statements, done in batch]
            writer.execute("ROLLBACK" if alone and outcomes[0][2] is not None else "COMMIT")
        except sqlite3.Error as error:
            # A full disk or a failed write takes the whole batch with it: none of it was acknowledged.
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            failure = _translated(error)
            return [(done, None, failure) for _, done in batch]
        return outcomes

    def _apply(self, statements: Sequence[Statement], done: Done, *, alone: bool) -> _Outcome:
        """Run one of a batch; one that is `alone` in it is to be rolled back by the caller when it fails."""
        writer = self._writer
        # A single statement without an expectation is atomic by itself: it needs no savepoint.
        guarded = not alone and (len(statements) != 1 or statements[0].expect is not None)
        if guarded:
            writer.execute("SAVEPOINT one")
        try:
            results: Results = []
            for sql, params, expect in statements:
                cursor = writer.execute(sql, params)
                rows: list[Row] = cursor.fetchall() if cursor.description is not None else []
                if expect is not None:
                    affected = len(rows) if cursor.description is not None else cursor.rowcount
                    if affected != expect:
                        raise Conflict(f"{affected} rows where {expect} were expected: {sql.strip()}")
                results.append(rows)
        except (Conflict, *_ERRORS) as error:
            if not writer.in_transaction:
                raise  # SQLite has rolled everything back: the batch is lost
            if _is_fatal(error):
                raise
            if guarded:
                writer.execute("ROLLBACK TO one")
                writer.execute("RELEASE one")
            return done, None, error if isinstance(error, Conflict) else _translated(error)
        if guarded:
            writer.execute("RELEASE one")
        return done, results, None

    def _checkpoint(self) -> None:
        try:
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            # The log stays as it is, complete; the next checkpoint tries again.
            return


def _log_bytes(statements: Sequence[Statement]) -> int:
    """About how much a transaction adds to the write-ahead log."""
    size = len(statements) * _STATEMENT_BYTES
    for statement in statements:
        for value in statement.params:
            if type(value) is str or type(value) is bytes:
                size += len(value)
    return size


def _tell(outcomes: list[_Outcome]) -> None:
    for done, results, error in outcomes:
        try:
            done(results, error)
        except Exception:  # noqa: BLE001 - logged: others wait to hear of theirs
            _log.exception("what follows from a transaction was not done")


def _connect(path: Path, durability: Durability) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=5.0
    )
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute(f"PRAGMA synchronous = {durability.upper()}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
    connection.execute("PRAGMA cache_size = -8192")
    # Some builds overwrite what is deleted with zeros: a third of what it costs to delete a message.
    connection.execute("PRAGMA secure_delete = OFF").fetchall()
    return connection


def _migrate(writer: sqlite3.Connection, migrations: list[schema.Migration]) -> None:
    writer.execute("BEGIN IMMEDIATE")
    try:
        writer.execute(schema.RECORD)
        recorded = writer.execute("SELECT number, checksum FROM schema_migrations").fetchall()
        for migration in schema.outstanding(migrations, recorded):
            for statement in migration.statements:
                writer.execute(statement)
            writer.execute(
                "INSERT INTO schema_migrations (number, name, checksum, applied_ms) VALUES (?, ?, ?, ?)",
                (migration.number, migration.name, migration.checksum, time.time_ns() // 1_000_000),
            )
        writer.execute("COMMIT")
    except BaseException:
        if writer.in_transaction:
            writer.execute("ROLLBACK")
        raise


_FULL = {sqlite3.SQLITE_FULL}
_FATAL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CORRUPT}


def _is_fatal(error: Exception) -> bool:
    return _primary(error) in _FATAL


def _primary(error: Exception) -> int:
    # Errors that the sqlite3 module raises itself, such as a wrong number of parameters, carry no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _translated(error: Exception) -> StoreError:
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(str(error))
    if _primary(error) in _FULL:
        return StorageFull("no space left for the database")
    return StoreError(f"{type(error).__name__}: {error}")
