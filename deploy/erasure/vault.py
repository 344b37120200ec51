"""The vault: who stands behind the commitments in the log, as long as they want to be known.

One SQLite file of mode 600. A subject (a customer) has one random salt; each value of theirs has
its commitment. To erase a subject removes salt and values; SQLite overwrites what it removes, the
file is written anew, and the journal that held the old pages is overwritten before it goes. Of an
erased subject the vault keeps the commitments, which nothing can be computed from, and the day.

Salts are drawn by `secrets`: they are random where a record is made. Nothing that is computed from
the log draws any.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.erasure.commitments import SALT_SIZE, commitment, is_commitment
from deploy.errors import UserError

MODE = 0o600
_FORMAT = 1
_DDL = f"""
CREATE TABLE subjects (subject TEXT PRIMARY KEY, salt BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE commitments (
    commitment TEXT PRIMARY KEY, subject TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX by_subject ON commitments (subject);
CREATE INDEX by_value ON commitments (field, value);
CREATE TABLE erased (commitment TEXT PRIMARY KEY, day TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {_FORMAT};
"""

Given = tuple[str, str, str]
"""Subject, field, value."""


@dataclass(frozen=True)
class Opened:
    """What stands behind a commitment."""

    commitment: str
    subject: str
    field: str
    value: str


class Vault:
    """One vault file, to be used as a context."""

    def __init__(self, path: Path, make: bool = False) -> None:
        """Open a vault; with `make` an absent one is made, readable by its owner only.

        Raises:
            UserError: There is none, others can read it, or it is no vault.
        """
        self.path = path
        if make and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE))
        if not path.is_file():
            raise UserError(f"there is no vault {path}; the first `tidemark vault commit` makes it")
        if path.stat().st_mode & 0o077:
            raise UserError(f"others can read {path}; run: chmod 600 {path}")
        self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            self._prepare(new=path.stat().st_size == 0)
        except sqlite3.DatabaseError:
            self._connection.close()
            raise UserError(f"{path} is no vault; name another file") from None
        except UserError:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        """Use it as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._connection.close()

    def commit(self, given: Iterable[Given]) -> list[str]:
        """The commitment to each (subject, field, value); what is new is stored.

        The same three give the same commitment until the subject is erased. Subjects that are new,
        or come back after they were erased, get a new salt.
        """
        given = list(given)
        with self._changing():
            salts = {subject: self._salt(subject) for subject in {whose for whose, _, _ in given}}
            made = {
                (whose, field, value): commitment(salts[whose], field, value)
                for whose, field, value in dict.fromkeys(given)
            }
            self._connection.executemany(
                "INSERT OR IGNORE INTO commitments VALUES (?, ?, ?, ?)",
                [(text, *each) for each, text in made.items()],
            )
        return [made[each] for each in given]

    def subjects_of(self, field: str, values: Sequence[str]) -> dict[str, str]:
        """Whose each value is, of those that are known as a `field`; the first of several."""
        found: dict[str, str] = {}
        query = "SELECT min(subject) FROM commitments WHERE field = ? AND value = ?"
        for value in values:
            (subject,) = self._connection.execute(query, (field, value)).fetchone()
            if subject is not None:
                found[value] = subject
        return found

    def open(self, text: str) -> Opened:
        """What stands behind a commitment.

        Raises:
            UserError: It is none, was erased, or is of another vault.
        """
        if not is_commitment(text):
            raise UserError(f"{text[:80]!r} is no commitment; one looks like c1: and 43 characters")
        row = self._connection.execute(
            "SELECT commitment, subject, field, value FROM commitments WHERE commitment = ?",
            (text,),
        ).fetchone()
        if row:
            return Opened(*row)
        erased = self._connection.execute(
            "SELECT day FROM erased WHERE commitment = ?", (text,)
        ).fetchone()
        if erased:
            raise UserError(f"{text} was erased on {erased[0]}: nobody can open it any more")
        raise UserError(f"{text} is not in this vault; open it with the vault of its producer")

    def verify(self, text: str, value: str | None = None) -> Opened:
        """As `open`, once the salt was seen to give the commitment; `value` to be compared too.

        Raises:
            UserError: As `open`; or salt and value give another commitment, or `value` is not it.
        """
        opened = self.open(text)
        if value is not None and value != opened.value:
            raise UserError(f"{text} does not stand for that value")
        (salt,) = self._connection.execute(
            "SELECT salt FROM subjects WHERE subject = ?", (opened.subject,)
        ).fetchone() or (b"",)
        if len(salt) != SALT_SIZE or commitment(salt, opened.field, opened.value) != text:
            raise UserError(f"the vault is damaged: it has another value or salt for {text}")
        return opened

    def erase(self, subject: str, day: str) -> int:
        """Remove a subject's salt and values for good; how many values there were.

        Args:
            subject: The subject.
            day: The date to be kept with the commitments, as in 2026-03-02.

        Raises:
            UserError: The vault does not know the subject.
        """
        known = self._connection.execute(
            "SELECT count(*) FROM subjects WHERE subject = ?", (subject,)
        ).fetchone()
        if known == (0,):
            self._tidy()
            raise UserError("the vault does not know that subject; nothing was erased")
        with self._changing():
            self._connection.execute(
                "INSERT OR REPLACE INTO erased SELECT commitment, ? FROM commitments "
                "WHERE subject = ?",
                (day, subject),
            )
            gone = self._connection.execute(
                "DELETE FROM commitments WHERE subject = ?", (subject,)
            ).rowcount
            self._connection.execute("DELETE FROM subjects WHERE subject = ?", (subject,))
        self._tidy()
        return gone

    def counts(self) -> dict[str, int]:
        """How many subjects, values and erased values there are."""
        tables = {"subjects": "subjects", "values": "commitments", "erased": "erased"}
        return {
            name: self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for name, table in tables.items()
        }

    def damaged(self) -> Iterator[str]:
        """The commitments that salt and value do not give."""
        rows = self._connection.execute(
            "SELECT commitment, salt, field, value FROM commitments LEFT JOIN subjects "
            "USING (subject) ORDER BY commitment"
        )
        for text, salt, field, value in rows:
            if salt is None or commitment(salt, field, value) != text:
                yield text

    def _prepare(self, new: bool) -> None:
        run = self._connection.execute
        run("PRAGMA secure_delete = ON")
        run("PRAGMA temp_store = MEMORY")
        run("PRAGMA journal_mode = PERSIST")
        if new:
            self._connection.executescript(_DDL)
        (found,) = run("PRAGMA user_version").fetchone()
        if found != _FORMAT:
            raise UserError(f"{self.path} is no vault of this version; name another file")

    def _salt(self, subject: str) -> bytes:
        row = self._connection.execute(
            "SELECT salt FROM subjects WHERE subject = ?", (subject,)
        ).fetchone()
        if row:
            return bytes(row[0])
        salt = secrets.token_bytes(SALT_SIZE)
        self._connection.execute("INSERT INTO subjects VALUES (?, ?)", (subject, salt))
        return salt

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction, alone in the file from its start on."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            raise UserError(f"{self.path} is in use by another process; try again") from None
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _tidy(self) -> None:
        """Write the file anew, and zeros over the journal that holds pages as they were before."""
        self._connection.execute("VACUUM")
        self._connection.execute("BEGIN EXCLUSIVE")
        journal = self.path.with_name(self.path.name + "-journal")
        if journal.exists():
            with journal.open("r+b") as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
        self._connection.execute("COMMIT")
