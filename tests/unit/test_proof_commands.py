"""notary, witness, prove, check, verify at the command line: one line each, and the exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.topics import TICK_KEY
from deploy.archive.files import frame_of, summed, ticks_in, write
from deploy.archive.manifest import Manifest, store
from deploy.drills.recorded import recorded
from deploy.proofs.sources import TOPIC


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An archive of a log of two partitions, signed and cosigned by the commands."""
    path = tmp_path_factory.mktemp("home")
    log = recorded(7, 600, 2)
    span = log.spans["obligations", 0]
    offset = next(n for n, key in enumerate(span.keys) if n > 100 and key != TICK_KEY)
    (path / "record").write_text(f"obligations/0/{offset}")
    topics = {}
    for name in (TOPIC, "obligations"):
        parts = {}
        for shard in (0, 1):
            span = log.spans[name, shard]
            frame = frame_of(span)
            file = write(path / "archive", name, shard, frame), ticks_in(frame)
            parts[str(shard)] = summed(0, len(span), [file])
        topics[name] = parts
    store(path / "archive", Manifest(prefix="", partitions=2, topics=topics))
    for argv in (
        ("notary", "--once", "--file", "archive"),
        ("witness", "--once", "--key", "NOTARY"),
    ):
        assert tidemark(path, *argv).returncode == 0
    return path


def tidemark(home: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    names = {"NOTARY": "keys/notary.pub", "WITNESS": "keys/witness.pub"}
    command = [sys.executable, "-m", "deploy.cli", *(names.get(part, part) for part in argv)]
    environment = os.environ | {"TIDEMARK_HOME": str(home), "TIDEMARK_PARTITIONS": "2"}
    return subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False
    )


def refused(told: subprocess.CompletedProcess[str], words: str) -> None:
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.count("\n") == 1, told.stderr
    assert told.stderr.startswith("tidemark: ")
    assert words in told.stderr


def test_prove_and_check_an_event_and_a_record(home: Path) -> None:
    record = (home / "record").read_text()
    for what, said in (("1:300", "ok: event 1:300, a "), (record, "by netting from obligations,")):
        assert tidemark(home, "prove", what, "--file", "archive", "--out", "p").returncode == 0
        told = tidemark(home, "check", "p", "--key", "NOTARY", "--key", "WITNESS")
        assert (told.returncode, told.stderr) == (0, "")
        assert said in told.stdout
        assert "signed by tidemark.local/witness at 20" in told.stdout


def test_verify_compares_with_notary_and_witness(home: Path) -> None:
    compare = ("--notary", "notary", "--key", "NOTARY", "--key", "WITNESS", "--witness", "witness")
    told = tidemark(home, "verify", "--file", "archive", *compare, "--json")
    assert told.returncode == 0, told.stderr
    assert told.stdout.count('"verdict": "ok"') == 2
    assert tidemark(home, "verify", "--file", "archive", "--workers", "1").returncode == 0


def test_a_rolled_back_checkpoint_is_told_with_exit_code_1(home: Path, tmp_path: Path) -> None:
    checkpoint = home / "notary" / "1" / "checkpoint"
    kept = checkpoint.read_bytes()
    checkpoint.write_bytes((home / "notary" / "0" / "checkpoint").read_bytes())
    try:
        told = tidemark(
            home,
            *("verify", "--file", "archive", "--notary", "notary", "--key", "NOTARY"),
            *("--workers", "1", "--json"),
        )
    finally:
        checkpoint.write_bytes(kept)
    assert told.returncode == 1
    assert '"kind": "wrong signature"' in told.stdout


def test_what_a_person_can_mend_is_one_line(home: Path) -> None:
    file = ("--file", "archive")
    refused(tidemark(home, "prove", "9:1", *file), "there is no partition 9; the notary has 0 to 1")
    refused(tidemark(home, "prove", "1:99999999", *file), "is not signed yet, or is none")
    refused(tidemark(home, "prove", "payments/0/1", *file), "no signed batch covers record")
    refused(tidemark(home, "prove", "no-such-id", *file), "no event of the log is about")
    refused(tidemark(home, "verify", "--notary", "notary"), "--notary and --key go together")
    refused(tidemark(home, "check", "none", "--key", "NOTARY"), "there is no proof file none")


def test_a_spoilt_proof_and_a_wrong_key_are_one_line(home: Path) -> None:
    assert tidemark(home, "prove", "0:5", "--file", "archive", "--out", "q").returncode == 0
    octets = bytearray((home / "q").read_bytes())
    for name, spoilt in (("cut", octets[:700]), ("flipped", octets)):
        if name == "flipped":
            spoilt[len(octets) // 2] ^= 4
        (home / name).write_bytes(spoilt)
        refused(tidemark(home, "check", name, "--key", "NOTARY"), f"{name} proves nothing: ")
    refused(tidemark(home, "check", "q", "--key", "keys/notary.pem"), "is a PEM file")
    (home / "rsa.pub").write_text("k+00000000+" + "AgAA" * 11 + "\n")
    refused(tidemark(home, "check", "q", "--key", "rsa.pub"), "a line is no public key: not an Ed")


def test_a_key_of_another_type_signs_nothing(home: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = home / "rsa.pem"
    key.touch(0o600)
    key.write_bytes(
        rsa.generate_private_key(65_537, 2_048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    told = tidemark(home, "notary", "--once", "--file", "archive", "--key", "rsa.pem")
    refused(told, "is a key of type RSA; Ed25519 is needed")
