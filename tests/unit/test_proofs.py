"""Proof files: what they prove, and that no changed bit of them proves anything."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.log import Span
from connectors.topics import TICK_KEY
from deploy.drills.recorded import chain_of, recorded, with_chain
from deploy.drills.tampering import linked
from deploy.errors import UserError
from deploy.log_ids import EventId, RecordId
from deploy.proofs.check import check
from deploy.proofs.events import read_event
from deploy.proofs.keys import SigningKey
from deploy.proofs.notary import Notary
from deploy.proofs.proof import Proof, ProofError, RecordProof, parse_proof
from deploy.proofs.prove import Prover
from deploy.proofs.sources import InMemory
from deploy.proofs.witness import Witness
from schemas.codec import decode
from schemas.notes import COSIGNATURE
from tests.naive.chain import read

ORIGIN, WITNESS = "log.example/regulatory", "witness.example/w1"
KEY, OWN = SigningKey.make(), SigningKey.make()
KEYS = [*(KEY.public(f"{ORIGIN}/{n}") for n in (0, 1)), OWN.public(WITNESS, COSIGNATURE)]
SCRIPT = Path(__file__).parents[2] / "docs" / "check_proof.py"


@pytest.fixture(scope="module")
def log():
    return recorded(6, 1_500, 2)


@pytest.fixture(scope="module")
def folder(log, tmp_path_factory):
    path = tmp_path_factory.mktemp("signed")
    Notary(path / "notary", ORIGIN, 2, KEY).run(InMemory(log))
    Witness(path / "witness", WITNESS, OWN, KEYS[:2]).run(path / "notary", 1_700_000_000)
    return path / "notary"


@pytest.fixture(scope="module")
def prover(log, folder):
    return Prover(folder, InMemory(log))


@pytest.fixture(scope="module")
def proof(prover):
    return prover.event(EventId(1, 300))


@pytest.fixture(scope="module")
def record_proof(prover, log):
    return prover.record(RecordId("obligations", 1, records(log, 1)[77]))


def records(log, shard):
    span = log.spans["obligations", shard]
    return [o for o, key in zip(span.offsets, span.keys, strict=True) if key != TICK_KEY]


def text(proof):
    return str(proof).encode()


def run_script(tmp_path, octets, keys=KEYS):
    file, public = tmp_path / "a.tlog-proof", tmp_path / "keys.pub"
    file.write_bytes(octets)
    public.write_text("".join(f"{key}\n" for key in keys))
    command = [sys.executable, str(SCRIPT), str(file), str(public)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_proof_has_the_form_of_the_specification(proof):
    lines = str(proof).split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 300"
    blank = lines.index("")
    assert all(len(base64.b64decode(line)) == 32 for line in lines[3:blank])
    assert lines[blank + 1] == f"{ORIGIN}/1"
    assert lines[blank + 2] == str(proof.checkpoint.size)
    assert [line.split(" ")[1] for line in lines if line.startswith("\u2014")] == [
        f"{ORIGIN}/1",
        WITNESS,
    ]
    assert parse_proof(text(proof)) == proof


@pytest.mark.parametrize("sequence", [0, 1, 255, 256, 511, 512, 700])
def test_every_event_is_proven_by_its_file_and_the_keys(prover, log, sequence):
    found = check(parse_proof(text(prover.event(EventId(0, sequence)))), KEYS)
    event = read(chain_of(log, 0)[sequence])
    assert (found.event.kind, found.event.subject) == (event["kind"], event["subject"])
    assert (found.shard, found.event.sequence) == (0, sequence)
    assert found.event.payload == event["payload"]
    assert [one.time for one in found.signed] == [None, 1_700_000_000]


def test_every_raw_record_is_proven_at_its_place(prover, log):
    span = log.spans["obligations", 0]
    offsets = records(log, 0)
    for offset in [offsets[0], offsets[-1], *offsets[1::97]]:
        proof = parse_proof(text(prover.record(RecordId("obligations", 0, offset), "netting")))
        found = check(proof, KEYS)
        assert proof.record.record == (span.values[span.offsets.index(offset)] or b"")
        assert (found.record.topic, found.record.partition) == ("obligations", 0)
        assert found.record.first <= offset <= found.record.last
        assert found.record.job == "netting"


def test_the_script_says_the_same(proof, record_proof, tmp_path):
    told = run_script(tmp_path, text(proof))
    assert (told.returncode, told.stderr) == (0, "")
    assert f"ok: event 300 of {ORIGIN}/1" in told.stdout
    told = run_script(tmp_path, text(record_proof))
    assert told.returncode == 0
    assert told.stdout.startswith(f"ok: the record is input {record_proof.record.index} of netting")
    assert run_script(tmp_path, text(proof), KEYS[:1]).returncode == 1
    assert run_script(tmp_path, text(proof), [*KEYS, OWN.public("w2", COSIGNATURE)]).returncode == 1


def test_the_script_is_short_and_needs_no_package_of_ours():
    code = SCRIPT.read_text().splitlines()
    imports = {
        line.split()[1].split(".")[0] for line in code if line.startswith(("import", "from"))
    }
    assert len(code) < 100
    assert imports == {"json", "sys", "base64", "hashlib", "pathlib", "cryptography"}


@given(st.data())
def test_no_changed_bit_proves_anything(proof, record_proof, data):
    octets = bytearray(text(data.draw(st.sampled_from([proof, record_proof]))))
    bit = data.draw(st.integers(0, 8 * len(octets) - 1))
    octets[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProofError):
        check(parse_proof(bytes(octets)), KEYS)


@given(st.data())
def test_no_shortened_file_proves_anything(proof, record_proof, data):
    octets = text(data.draw(st.sampled_from([proof, record_proof])))
    end = data.draw(st.integers(0, len(octets) - 1))
    with pytest.raises(ProofError):
        check(parse_proof(octets[:end]), KEYS)


def test_the_script_refuses_changed_bits_and_shortened_files(record_proof, tmp_path):
    octets = text(record_proof)
    for number in range(24):
        spoilt = bytearray(octets)
        place = (number * 7_919 + 31) * len(octets) // (24 * 7_919 + 31) % len(octets)
        spoilt[place] ^= 1 << number % 8
        told = run_script(tmp_path, bytes(spoilt))
        assert (told.returncode, told.stdout) == (1, ""), place
        assert told.stderr.startswith("proves nothing: ")
        assert told.stderr.count("\n") == 1
    for end in (0, 30, len(octets) // 2, len(octets) - 1):
        assert run_script(tmp_path, octets[:end]).returncode == 1


def planted(log, tmp_path):
    """A log whose event 5 is a refused record that carries another batch's input root, signed."""
    messages = chain_of(log, 0)[:40]
    place, event = next(
        (n, read_event(m)) for n, m in enumerate(messages) if read_event(m).kind == "BatchIndex"
    )
    kind = messages[place].replace(b"\x14BatchIndex", b"\x14DeadLetter")
    messages[place] = kind
    messages = linked(messages, 0, bytes(32))
    Notary(tmp_path / "planted", ORIGIN, 1, KEY).run(InMemory(with_chain(messages, 0)))
    return Prover(tmp_path / "planted", InMemory(with_chain(messages, 0))), place, event


def test_a_root_planted_in_an_event_of_another_kind_proves_no_record(log, tmp_path):
    prover, place, event = planted(log, tmp_path)
    index = decode(event.payload)[1]
    value = log.spans["obligations", 0].values[0] or b""
    forged = prover.event(EventId(0, place))
    forged = Proof(
        forged.event, forged.index, forged.path, forged.note, RecordProof(value, 0, (bytes(32),))
    )
    with pytest.raises(ProofError, match="is a DeadLetter, not a BatchIndex"):
        check(forged, KEYS[:2])
    told = run_script(tmp_path, text(forged), KEYS[:2])
    assert (told.returncode, told.stdout) == (1, "")
    assert "a DeadLetter says nothing of a record" in told.stderr
    assert index["job"] == "netting"


def test_a_proof_of_one_event_does_not_prove_another(proof, prover):
    other = prover.event(EventId(1, 301))
    mixed = Proof(other.event, proof.index, proof.path, proof.note)
    with pytest.raises(ProofError, match="not in the signed tree at this index"):
        check(mixed, KEYS)
    with pytest.raises(ProofError, match="not in the signed tree at this index"):
        check(Proof(proof.event, 301, proof.path, proof.note), KEYS)


def test_a_record_at_another_place_or_of_another_value_is_refused(record_proof):
    record = record_proof.record
    spoilt = [
        RecordProof(record.record + b"x", record.index, record.path),
        RecordProof(record.record, record.index + 1, record.path),
        RecordProof(record.record, 10**9, record.path),
        RecordProof(record.record, record.index, record.path[:-1]),
    ]
    for one in spoilt:
        with pytest.raises(ProofError):
            check(Proof(*list(vars(record_proof).values())[:4], one), KEYS)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([], "none of the keys is of the log"),
        (KEYS[:1], "none of the keys is of the log"),
        ([OWN.public(f"{ORIGIN}/1")], "wrong signature: the checkpoint is not signed by"),
        (
            [*KEYS, KEY.public(WITNESS, COSIGNATURE)],
            "wrong signature: the checkpoint is not signed",
        ),
    ],
)
def test_the_wrong_keys_prove_nothing(proof, keys, reason):
    with pytest.raises(ProofError, match=reason):
        check(proof, keys)


def test_extra_must_hold_what_it_must_and_in_one_form(proof):
    lines = str(proof).split("\n")
    extra = json.loads(base64.b64decode(lines[1][6:]))
    for wrong in (
        json.dumps(extra, indent=1),
        json.dumps(extra | {"more": 1}, sort_keys=True, separators=(",", ":")),
        json.dumps({"event": 1}, separators=(",", ":")),
        "[]",
        "{",
    ):
        lines[1] = f"extra {base64.b64encode(wrong.encode()).decode()}"
        with pytest.raises(ProofError):
            parse_proof("\n".join(lines).encode())


def test_what_cannot_be_proven_is_told(prover, log, folder, tmp_path):
    last = len(chain_of(log, 1)) - 1
    tick = log.spans["obligations", 0].keys.index(TICK_KEY)
    cases = [
        (EventId(1, last + 1), f"is signed up to event {last}"),
        (EventId(7, 0), "there is no partition 7; the notary has 0 to 1"),
        (RecordId("nonsense", 0, 0), "there is no topic nonsense"),
        (RecordId("obligations", 0, 10**9), "no signed batch covers record obligations/0/10000"),
        (RecordId("obligations", 0, tick), "is a tick"),
    ]
    for place, reason in cases:
        with pytest.raises(UserError, match=reason):
            (prover.event if isinstance(place, EventId) else prover.record)(place)
    with pytest.raises(UserError, match="in job graph"):
        prover.record(RecordId("obligations", 0, 5), "graph")
    with pytest.raises(UserError, match="no event of the log is about a result with the id x"):
        prover.find("x")
    with pytest.raises(UserError, match="there is no notary's folder"):
        Prover(tmp_path, InMemory(log)).event(EventId(0, 0))


def test_a_log_that_was_changed_since_gives_no_proof(log, folder):
    messages = chain_of(log, 1)
    spoilt = [*messages[:300], messages[301], messages[300], *messages[302:]]
    for changed, reason in ((spoilt, "not the one that was signed"), (messages[:300], "no longer")):
        with pytest.raises(UserError, match=reason):
            Prover(folder, InMemory(with_chain(changed, 1))).event(EventId(1, 300))


def test_a_changed_input_record_gives_no_proof(log, folder, prover):
    changed = with_chain(chain_of(log, 0), 0)
    span = log.spans["obligations", 0]
    values = list(span.values)
    offset = records(log, 0)[40]
    values[offset] = b"changed"
    changed.spans["obligations", 0] = Span(span.offsets, span.appended, span.keys, values)
    with pytest.raises(UserError, match="a record was changed, dropped or added"):
        Prover(folder, InMemory(changed)).record(RecordId("obligations", 0, offset))


def test_a_result_is_found_by_its_own_id(prover, log):
    for shard in (0, 1):
        for message in chain_of(log, shard):
            if read_event(message).kind == "NetPosition":
                result = read(message)["result_id"]
                found = prover.find(result)
                event = read_event(chain_of(log, found.shard)[found.sequence])
                assert decode(event.payload)[1]["net_id"] == result
                assert prover.is_about(found, result)
                break
