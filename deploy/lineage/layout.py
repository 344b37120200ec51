"""The tables of the lineage index, one DuckDB file, and how it is opened.

No table has a key index: rows are added in the order of the log, so the least and greatest value
that DuckDB keeps of each block of rows rule out almost all blocks. Ids and names are looked up by a
hash, a number that is quick to scan: its column ends in `_key`.
"""

from pathlib import Path

import duckdb

from deploy.errors import UserError
from deploy.lineage.source import Origin

FORMAT = "1"
"""Changes when the tables or what is in them do: an index of another format is built again."""

_DDL = """
CREATE TABLE meta (name VARCHAR, value VARCHAR);
CREATE TABLE progress (
    topic VARCHAR, partition INTEGER, next BIGINT, appended BIGINT, last BIGINT, mark BLOB
);
CREATE TABLE events (
    shard INTEGER, sequence BIGINT, kind VARCHAR, result_id VARCHAR, id_key UBIGINT,
    subject VARCHAR, subject_key UBIGINT, party VARCHAR, party_key UBIGINT,
    scope VARCHAR, scope_key UBIGINT, event_time BIGINT, appended BIGINT,
    log_offset BIGINT, source_topic VARCHAR, source_partition INTEGER, source_offset BIGINT,
    result_version VARCHAR, decided_by VARCHAR, corrects VARCHAR, payload BLOB
);
CREATE TABLE lineage (
    shard INTEGER, sequence BIGINT, topic VARCHAR, partition INTEGER, first BIGINT, last BIGINT
);
CREATE TABLE behind (shard INTEGER, sequence BIGINT, "offset" BIGINT);
CREATE TABLE batches (
    shard INTEGER, sequence BIGINT, job VARCHAR, batch BIGINT, slice_end BIGINT, records BIGINT,
    used BIGINT, duplicates BIGINT, late BIGINT, dead BIGINT, outputs BIGINT, version VARCHAR
);
CREATE TABLE reads (
    shard INTEGER, sequence BIGINT, job VARCHAR, batch BIGINT, topic VARCHAR, first BIGINT,
    last BIGINT
);
CREATE TABLE edges (
    shard INTEGER, log_offset BIGINT, sequence BIGINT, edge_id VARCHAR, id_key UBIGINT,
    source VARCHAR, target VARCHAR, asset VARCHAR, window_end BIGINT, count BIGINT,
    topic VARCHAR, first BIGINT, last BIGINT
);
"""


def open_to_read(path: Path) -> duckdb.DuckDBPyConnection:
    """The index for questions; UserError if there is none that this version can read."""
    if not path.exists():
        raise UserError("there is no lineage index yet; run: tidemark index")
    return _checked(_connect(path, read_only=True), path)


def open_to_extend(path: Path, again: bool = False) -> duckdb.DuckDBPyConnection:
    """The index to add to: made if it is not there, and made anew with `again`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if again:
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    if path.exists():
        return _checked(_connect(path, read_only=False), path)
    connection = _connect(path, read_only=False)
    connection.execute(_DDL)
    connection.execute("INSERT INTO meta VALUES ('format', ?)", [FORMAT])
    return connection


def _connect(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise UserError(f"{path.name} is in use: wait until `tidemark index` is done") from None
        raise UserError(f"{path} is not an index; remove it and run: tidemark index") from None
    connection.execute("SET memory_limit = '4GB'")
    return connection


def _checked(connection: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyConnection:
    try:
        found = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
    except duckdb.CatalogException:
        found = None
    if found != (FORMAT,):
        connection.close()
        raise UserError(f"{path} is of another version; run: tidemark index --again")
    return connection


def remember(connection: duckdb.DuckDBPyConnection, origin: Origin) -> None:
    """Keep where the log of an index is."""
    file = "" if origin.file is None else str(origin.file.resolve())
    said = {"file": file, "brokers": origin.brokers or "", "prefix": origin.prefix}
    connection.execute("DELETE FROM meta WHERE name IN ('file', 'brokers', 'prefix')")
    connection.executemany("INSERT INTO meta VALUES (?, ?)", [[*pair] for pair in said.items()])


def remembered(connection: duckdb.DuckDBPyConnection) -> Origin:
    """Where the log of an index is."""
    said = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    file = said.get("file")
    return Origin(Path(file) if file else None, said.get("brokers") or None, said.get("prefix", ""))
