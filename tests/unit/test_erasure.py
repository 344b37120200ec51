"""Commitments in the log, values in the vault, and what is left once a subject is erased."""

import hashlib
import json
import sqlite3
import stat
from base64 import urlsafe_b64decode
from pathlib import Path

import polars as pl
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from connectors.generators import Payments, Plan, chunks
from connectors.log import MemoryLog, fold_shard, results_by_topic
from deploy.commands import vault as command
from deploy.erasure import (
    PERSONAL,
    Opened,
    Pseudonymous,
    Vault,
    commitment,
    is_commitment,
    pseudonymised,
)
from deploy.errors import UserError
from deploy.generate import Order
from deploy.generate import generate as carry_out
from jobs.catalogue import Config, graph_job, regulatory_job
from schemas.codec import decode
from schemas.records import record
from tests.chained import fold_into, logged
from udfs.regulatory import verify_chain

SALT = bytes(range(32))
NAME, ACCOUNT = "Ada Lovelace", "DE89370400440532013000"


def test_a_commitment_is_the_hash_by_its_definition() -> None:
    octets = (
        b"\x00\x00\x00\x15tidemark/commitment/1"
        b"\x00\x00\x00\x20" + SALT + b"\x00\x00\x00\x04name"
        b"\x00\x00\x00\x0cAda Lovelace"
    )
    made = commitment(SALT, "name", NAME)
    assert urlsafe_b64decode(made.removeprefix("c1:") + "=") == hashlib.sha256(octets).digest()
    assert len(made) == 46
    assert is_commitment(made)


@given(st.text(), st.text(), st.text(), st.text())
def test_fields_and_values_cannot_pass_for_each_other(a: str, b: str, c: str, d: str) -> None:
    same = commitment(SALT, a, b) == commitment(SALT, c, d)
    assert same == ((a, b) == (c, d))


def test_a_commitment_fits_every_field_it_is_put_into() -> None:
    record_of = {"payments": "Payment", "postings": "Posting", "customers": "Customer"}
    for topic, columns in PERSONAL.items():
        fields = {f["name"]: f for f in record(record_of[topic]).fields}
        for name in columns:
            check = fields[name]["check"]
            assert check["maxLength"] >= len(commitment(SALT, name, NAME))
            assert check.get("pattern", "[!-~]+") in ("[!-~]+", "[!-~]*")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


def test_the_same_value_gives_the_same_commitment_until_it_is_erased(path: Path) -> None:
    with Vault(path, make=True) as vault:
        first, second = vault.commit([("c1", "name", NAME), ("c2", "name", NAME)])
        assert first != second  # each subject has a salt of its own
    with Vault(path) as vault:
        assert vault.commit([("c1", "name", NAME)]) == [first]
        assert vault.open(first) == Opened(first, "c1", "name", NAME)
        assert vault.verify(first, NAME).subject == "c1"
        assert vault.erase("c1", "2026-03-02") == 1
        assert vault.commit([("c1", "name", NAME)]) != [first]
        assert vault.open(second).value == NAME


def test_after_an_erasure_nobody_can_open_or_verify(path: Path) -> None:
    with Vault(path, make=True) as vault:
        (text,) = vault.commit([("c1", "name", NAME)])
        vault.erase("c1", "2026-03-02")
        for ask in (vault.open, vault.verify):
            with pytest.raises(UserError, match="was erased on 2026-03-02: nobody can open it"):
                ask(text)
        assert vault.counts() == {"subjects": 0, "values": 0, "erased": 1}
        with pytest.raises(UserError, match="does not know that subject; nothing was erased"):
            vault.erase("c1", "2026-03-03")


def test_no_octet_of_value_or_salt_is_left_on_disk(path: Path) -> None:
    with Vault(path, make=True) as vault:
        vault.commit((f"c{n}", "name", f"person {n}") for n in range(500))
        vault.commit([("victim", "name", NAME), ("victim", "account", ACCOUNT)])
        vault.commit((f"d{n}", "name", f"person {n}") for n in range(500))
    rows = sqlite3.connect(path)
    ((salt,),) = rows.execute("SELECT salt FROM subjects WHERE subject = 'victim'").fetchall()
    rows.close()
    assert NAME.encode() in path.read_bytes()
    with Vault(path) as vault:
        vault.erase("victim", "2026-03-02")
    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    for secret in (NAME.encode(), ACCOUNT.encode(), salt, b"victim"):
        assert secret not in left
    with Vault(path) as vault:
        assert list(vault.damaged()) == []
        assert vault.counts()["values"] == 1_000


def test_only_the_owner_may_read_a_vault(path: Path) -> None:
    Vault(path, make=True).__exit__()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(UserError, match=r"others can read .*; run: chmod 600"):
        Vault(path)


def test_a_changed_value_is_found(path: Path) -> None:
    with Vault(path, make=True) as vault:
        (text,) = vault.commit([("c1", "name", NAME)])
    rows = sqlite3.connect(path)
    rows.execute("UPDATE commitments SET value = 'Bob'")
    rows.commit()
    rows.close()
    with Vault(path) as vault:
        assert list(vault.damaged()) == [text]
        with pytest.raises(UserError, match="the vault is damaged"):
            vault.verify(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Ada", "is no commitment"),
        ("c1:" + "A" * 42, "is no commitment"),
        ("c1:" + "A" * 43, "is not in this vault"),
    ],
)
def test_what_is_no_commitment_of_the_vault_is_told(path: Path, text: str, told: str) -> None:
    with Vault(path, make=True) as vault, pytest.raises(UserError, match=told):
        vault.open(text)


def test_no_vault_and_no_database_are_told(path: Path) -> None:
    with pytest.raises(UserError, match="there is no vault"):
        Vault(path)
    path.write_bytes(b"something else" * 1_000)
    path.chmod(0o600)
    with pytest.raises(UserError, match="is no vault"):
        Vault(path)


def test_equal_values_of_a_subject_stay_equal_and_accounts_find_their_owner(path: Path) -> None:
    payments = pl.DataFrame(
        {
            "debtor": ["C1", "C2", "C1"],
            "debtor_account": ["A1", "A2", "A1"],
            "creditor": ["C2", "C1", "C3"],
            "creditor_account": ["A2", "A1", "A3"],
        }
    )
    postings = pl.DataFrame(
        {
            "owner": ["C1", "C1"],
            "account": ["A1", "A1"],
            "counterparty": ["C2", ""],
            "counterparty_name": ["", "Ada Lovelace"],
            "counterparty_account": ["A2", "A9"],
            "amount": [5, 6],
        }
    )
    customers = pl.DataFrame({"customer": ["C1", "C2"], "name": ["Ada Lovelace", ""]})
    with Vault(path, make=True) as vault:
        known = pseudonymised(customers, PERSONAL["customers"], vault)
        sent = pseudonymised(payments, PERSONAL["payments"], vault)
        posted = pseudonymised(postings, PERSONAL["postings"], vault)
        assert vault.open(posted["counterparty_account"][0]).subject == "C2"
    assert sent["debtor"][0] == sent["debtor"][2] == sent["creditor"][1] == posted["owner"][0]
    assert sent["debtor_account"][1] == sent["creditor_account"][0]
    assert posted["counterparty_account"][0] == sent["debtor_account"][1]
    assert sent["debtor"].n_unique() == 2
    assert posted["amount"].to_list() == [5, 6]
    assert posted["counterparty"].to_list() == [sent["creditor"][0], ""]
    assert known["customer"].to_list() == [sent["debtor"][0], sent["creditor"][0]]
    assert is_commitment(known["name"][0])
    assert known["name"][1] == ""
    assert posted["counterparty_name"][0] == ""
    assert is_commitment(posted["counterparty_name"][1])
    assert all(is_commitment(text) for row in sent.rows() for text in row)


def test_erasing_changes_no_octet_of_results_and_chain(path: Path) -> None:
    """The jobs never needed the values: what they make of the recorded log stays the same."""
    plan = Plan(count=200, seed=5, partitions=1)
    config = Config(partitions=1)
    with Vault(path, make=True) as vault:
        feed = Pseudonymous(Payments(5, days=1), vault)
        log = logged(chunks(feed, plan), feed.start)
    fold_into(log, graph_job(config))
    fold_into(log, regulatory_job(config))
    events = [value or b"" for value in log.spans["regulatory.events", 0].values]
    first = next(value for _, value in _records(log, "payments"))
    debtor = decode(first)[1]["debtor"]
    with Vault(path) as vault:
        subject = vault.open(debtor).subject
        vault.erase(subject, "2026-03-02")
        with pytest.raises(UserError, match="was erased"):
            vault.open(debtor)
    again = MemoryLog()
    again.spans |= {place: span for place, span in log.spans.items() if place[0] == "payments"}
    written = results_by_topic(
        fold_shard(graph_job(config), 0, again.partition(["payments", "obligations"], 0))
    )
    for topic, pairs in written.items():
        assert [value for _, value in pairs] == log.spans[topic, 0].values
    assert verify_chain(events).ok
    assert verify_chain(events).length == len(events) > 0
    texts = b"".join(value or b"" for span in log.spans.values() for value in span.values)
    assert subject.encode() not in texts


def _records(log: MemoryLog, topic: str) -> list[tuple[bytes | None, bytes]]:
    span = log.spans[topic, 0]
    return [(k, v) for k, v in zip(span.keys, span.values, strict=True) if k != b"tick" and v]


def test_a_generator_sends_commitments_into_files(tmp_path: Path, path: Path) -> None:
    order = Order("payments", 300, 5, 2, "0", "2026-03-02", 1, 5.0, 0.0, None, path)
    summary = carry_out(order, "", tmp_path / "day")
    sent = pl.read_parquet(tmp_path / "day" / "payments.parquet")
    values = [v for k, v in sent.select("key", "value").rows() if k != b"tick"]
    assert len(values) == summary["topics"]["payments"]["used"] == 300
    rows = [decode(value)[1] for value in values]
    assert all(is_commitment(row[name]) for row in rows for name in PERSONAL["payments"])
    again = carry_out(order, "", tmp_path / "again")
    assert again["records"] == summary["records"]
    same = (tmp_path / "again" / "payments.parquet").read_bytes()
    assert same == (tmp_path / "day" / "payments.parquet").read_bytes()
    plain = carry_out(
        Order("payments", 300, 5, 2, "0", "2026-03-02", 1, 5.0, 0.0, None), "", tmp_path / "plain"
    )
    assert plain["records"] == summary["records"]


def test_trades_have_no_vault(tmp_path: Path, path: Path) -> None:
    order = Order("trades", 10, 1, 1, "0", "2026-03-02", 1, 5.0, 0.0, None, path)
    with pytest.raises(UserError, match="--vault is for payments"):
        carry_out(order, "", tmp_path)
    assert not path.exists()


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    command.register(made)
    return made


def test_the_commands_from_commit_to_erasure(app: typer.Typer, path: Path) -> None:
    run, at = CliRunner().invoke, ["--vault", str(path)]
    told = run(app, ["vault", "commit", "C1", "name", *at, "--json"], input=f"{NAME}\n")
    text = json.loads(told.stdout)["commitment"]
    assert NAME not in told.stdout
    assert run(app, ["vault", "open", text, *at]).stdout == f"name of C1: {NAME}\n"
    assert run(app, ["vault", "check", text, "--value", NAME, *at]).exit_code == 0
    assert "damaged: none" in run(app, ["vault", "check", *at]).stdout
    wrong = run(app, ["vault", "check", text, "--value", "Bob", *at])
    assert isinstance(wrong.exception, UserError)
    assert run(app, ["vault", "erase", "C1", *at], input="n\n").exit_code != 0
    assert run(app, ["vault", "open", text, *at]).exit_code == 0
    assert run(app, ["vault", "erase", "C1", "--yes", *at]).exit_code == 0
    gone = run(app, ["vault", "open", text, *at])
    assert isinstance(gone.exception, UserError)
    assert "was erased on " in str(gone.exception)


def test_an_empty_value_is_refused(app: typer.Typer, path: Path) -> None:
    told = CliRunner().invoke(
        app, ["vault", "commit", "C1", "name", "--vault", str(path)], input=""
    )
    assert isinstance(told.exception, UserError)
    assert not path.exists()
