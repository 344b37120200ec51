"""The notary and its witness: one tree whatever happens, and never two histories."""

import json
import os
import shutil

import pytest

from connectors.log import MemoryLog, Span
from connectors.topics import TICK_KEY
from deploy.drills.recorded import chain_of, recorded, with_chain
from deploy.drills.tampering import linked
from deploy.errors import UserError
from deploy.proofs import files
from deploy.proofs.checkpoint import parse_heads
from deploy.proofs.events import batch_indexes
from deploy.proofs.folder import LogFolder
from deploy.proofs.keys import SigningKey, open_or_make, read_keys, verified
from deploy.proofs.notary import Notary
from deploy.proofs.sources import TOPIC, InMemory
from deploy.proofs.witness import Refused, Witness
from schemas.codec import decode
from schemas.notes import COSIGNATURE, parse_note
from tests.naive import merkle as naive
from tests.naive.chain import read

ORIGIN = "log.example/regulatory"
KEY, OWN = SigningKey.make(), SigningKey.make()
PUBLIC = KEY.public(f"{ORIGIN}/0")
WITNESS = "witness.example/w1"


@pytest.fixture(scope="module")
def log():
    return recorded(5, 1_500, 2)


@pytest.fixture(scope="module")
def chain(log):
    return chain_of(log, 0)


def notary(path, partitions=1, key=KEY):
    return Notary(path, ORIGIN, partitions, key)


def sign(path, messages, partitions=1):
    at_work = notary(path, partitions)
    at_work.run(InMemory(with_chain(messages, 0)))
    return at_work


def tree(path):
    """Every file of a partition's folder but its checkpoints and partial tiles."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and "checkpoint" not in str(file) and ".p" not in str(file)
    }


def root_of(messages):
    return naive.tree_hash([message[:-32] for message in messages])


def test_a_checkpoint_has_the_root_over_the_events_and_a_good_signature(tmp_path, log):
    notary(tmp_path, 2).run(InMemory(log))
    for shard in (0, 1):
        note, checkpoint = LogFolder(tmp_path / str(shard)).checkpoint()
        messages = chain_of(log, shard)
        assert checkpoint.origin == f"{ORIGIN}/{shard}"
        assert (checkpoint.size, checkpoint.root) == (len(messages), root_of(messages))
        assert verified(note, [KEY.public(checkpoint.origin)])
        assert LogFolder(tmp_path / str(shard)).archived(len(messages))[0] == note
    note = parse_note((tmp_path / "head").read_bytes())
    assert verified(note, [KEY.public(ORIGIN)])
    origin, heads = parse_heads(note.text)
    assert (origin, [head.size for head in heads]) == (
        ORIGIN,
        [len(chain_of(log, shard)) for shard in (0, 1)],
    )


def test_the_inputs_of_each_job_are_counted_by_hour(tmp_path, log):
    notary(tmp_path, 2).run(InMemory(log))
    _, checkpoint = LogFolder(tmp_path / "0").checkpoint()
    hours = {}
    for message in chain_of(log, 0):
        event = read(message)
        if event["kind"] == "BatchIndex":
            index = decode(event["payload"])[1]
            hour = (index["slice_end"] - 1) // 3_600_000_000
            for part in filter(None, index["inputs"].split(";")):
                count = int(part.rpartition(":")[2])
                hours[hour] = hours.get(hour, 0) + count
    span = log.spans["obligations", 0]
    sent = sum(key != TICK_KEY for key in span.keys)
    assert sum(hours.values()) == sent
    told = [line.split(" ") for line in checkpoint.counts]
    assert [row[:3] for row in told] == [["inputs", "netting", "obligations/0"]] * len(told)
    assert told[-1][3:] == ["total", str(sent)]
    assert [int(row[4]) for row in told[:-1]] == [hours[h] for h in sorted(hours) if hours[h]]
    assert told[0][3] == "2026-03-02T08"


def test_lines_of_an_hour_come_again_only_when_it_changed(tmp_path, chain):
    places = [place for place, _ in batch_indexes(chain)]
    middle = places[len(places) // 2] + 1
    sign(tmp_path, chain[:middle])
    first = LogFolder(tmp_path / "0").checkpoint()[1]
    sign(tmp_path, chain)
    second = LogFolder(tmp_path / "0").checkpoint()[1]
    hours = [{line.split(" ")[3] for line in one.counts} - {"total"} for one in (first, second)]
    assert len(hours[0] & hours[1]) <= 1
    assert int(second.counts[-1].split(" ")[-1]) > int(first.counts[-1].split(" ")[-1])


def test_growing_in_steps_with_restarts_gives_the_tree_of_one_pass(tmp_path, chain):
    for size in (0, 1, 255, 256, 257, 700, len(chain)):
        at_work = sign(tmp_path / "steps", chain[:size])
        assert at_work.shards[0].last().root == root_of(chain[:size])
    sign(tmp_path / "once", chain)
    steps, once = tree(tmp_path / "steps" / "0"), tree(tmp_path / "once" / "0")
    assert {k: v for k, v in steps.items() if k.startswith(("tile", "offsets", "batches"))} == {
        k: v for k, v in once.items() if k.startswith(("tile", "offsets", "batches"))
    }
    assert LogFolder(tmp_path / "steps" / "0").sizes() == [0, 1, 255, 256, 257, 700, len(chain)]
    assert not (tmp_path / "steps/0/tile/0/000.p").exists()


class Crash(BaseException):
    """The process ends here: nothing that comes later is done."""


def test_a_crash_at_any_write_leaves_what_a_restart_makes_whole(tmp_path, chain, monkeypatch):
    cut, half = chain[:900], chain[:400]
    whole = tmp_path / "whole"
    sign(whole, half)
    sign(whole, cut)
    calls = [0, 0]

    def stopping(real):
        def called(*arguments):
            calls[0] += 1
            if calls[0] == calls[1]:
                raise Crash
            return real(*arguments)

        return called

    for name in ("replace", "link", "fsync"):
        monkeypatch.setattr(files.os, name, stopping(getattr(os, name)))
    crashes = 0
    for stop in range(1, 90):
        path = tmp_path / f"{stop}"
        calls[:] = [0, stop]
        try:
            sign(path, half)
            sign(path, cut)
        except Crash:
            crashes += 1
        calls[:] = [0, 0]
        sign(path, cut)
        folder = LogFolder(path / "0")
        assert folder.checkpoint()[1].root == root_of(cut)
        assert folder.tiles(900).root() == root_of(cut)
        for size in folder.sizes():
            assert folder.archived(size)[1].root == root_of(chain[:size])
        assert tree(path / "0").keys() == tree(whole / "0").keys()
        shutil.rmtree(path)
    assert crashes > 50


def test_ticks_and_offset_gaps_move_nothing(tmp_path, chain):
    span = Span()
    for place, message in enumerate(chain[:600]):
        span.put(place * 3 + 7, place, b"k", message)
        span.put(place * 3 + 8, place, TICK_KEY, b"")
    log = MemoryLog()
    log.spans[TOPIC, 0] = span
    notary(tmp_path).run(InMemory(log))
    folder = LogFolder(tmp_path / "0")
    assert folder.checkpoint()[1].root == root_of(chain[:600])
    assert folder.span_of(0) == (7, 7 + 3 * 256)
    assert folder.span_of(599) == (7 + 3 * 512, None)


def test_a_broken_link_is_named_and_nothing_is_signed_from_there(tmp_path, chain):
    spoilt = list(chain)
    spoilt[300] = spoilt[300][:60] + bytes([spoilt[300][60] ^ 1]) + spoilt[300][61:]
    sign(tmp_path, chain[:250])
    with pytest.raises(UserError, match="nothing is signed from event 300 on: changed"):
        sign(tmp_path, spoilt)
    assert LogFolder(tmp_path / "0").checkpoint()[1].size == 250


def test_another_partition_is_signed_all_the_same(tmp_path, log):
    spoilt = MemoryLog()
    spoilt.spans[TOPIC, 0] = Span([0], [0], [b"k"], [b"junk"])
    spoilt.spans[TOPIC, 1] = log.spans[TOPIC, 1]
    with pytest.raises(UserError, match=f"{ORIGIN}/0: nothing is signed from event 0"):
        notary(tmp_path, 2).run(InMemory(spoilt))
    assert LogFolder(tmp_path / "1").checkpoint()[1].size == len(chain_of(log, 1))


def test_a_log_that_was_cut_off_or_written_anew_is_not_signed(tmp_path, chain):
    sign(tmp_path, chain[:500])
    forged = chain[:499] + linked([chain[500]], 499, chain[498][-32:])
    for log in (chain[:400], [], forged):
        with pytest.raises(UserError, match="event 499 is no longer at offset 499"):
            sign(tmp_path, log)
    assert LogFolder(tmp_path / "0").checkpoint()[1].size == 500


def test_without_its_state_it_reads_anew_and_refuses_what_it_did_not_sign(tmp_path, chain):
    sign(tmp_path, chain[:500])
    state = tmp_path / "0" / "state.json"
    state.unlink()
    with pytest.raises(UserError, match="refused to sign 400 events after 500: truncated tail"):
        sign(tmp_path, chain[:400])
    state.unlink()
    forged = chain[:100] + linked(chain[101:600], 100, chain[99][-32:])
    with pytest.raises(UserError, match=r"fork, tile .*000 holds other events"):
        sign(tmp_path, forged)
    shutil.rmtree(tmp_path / "0" / "tile")
    with pytest.raises(UserError, match="refused to sign 599 events: fork"):
        sign(tmp_path, forged)
    shutil.rmtree(tmp_path / "0" / "tile")
    state.unlink()
    sign(tmp_path, chain)
    assert LogFolder(tmp_path / "0").checkpoint()[1].root == root_of(chain)


def test_a_damaged_state_a_foreign_folder_and_a_foreign_key_are_told(tmp_path, chain):
    sign(tmp_path, chain[:300])
    state = tmp_path / "0" / "state.json"
    good = state.read_text()
    state.write_text(good.replace('"size": 300', '"size": 301'))
    with pytest.raises(UserError, match=r"state.json is damaged; delete it"):
        notary(tmp_path)
    state.write_text(good)
    with pytest.raises(UserError, match=r"belongs to log.example/regulatory/0"):
        Notary(tmp_path, "other.example", 1, KEY)
    with pytest.raises(UserError, match="not signed by this notary's key"):
        notary(tmp_path, key=OWN)
    assert json.loads(good[: good.rstrip().rindex("\n")])["size"] == 300


def test_keys_are_made_once_for_their_owner_only(tmp_path):
    path = tmp_path / "keys" / "notary.pem"
    first = open_or_make(path, ["a/0", "a/1"])
    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o600, first.pem())
    assert b"BEGIN PRIVATE KEY" in path.read_bytes()
    assert open_or_make(path, ["a/0", "a/1"]).pem() == first.pem()
    public = read_keys([path.with_suffix(".pub")])
    assert [key.name for key in public] == ["a/0", "a/1"]
    path.chmod(0o644)
    with pytest.raises(UserError, match="can be read by others; run: chmod 600"):
        SigningKey.load(path)


def test_a_key_of_another_type_is_told(tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "notary.pem"
    path.touch(0o600)
    path.write_bytes(pem)
    with pytest.raises(UserError, match="a key of type EC; Ed25519 is needed"):
        SigningKey.load(path)
    path.write_bytes(b"junk")
    with pytest.raises(UserError, match="no private key in PEM"):
        SigningKey.load(path)
    with pytest.raises(UserError, match="a line is no public key"):
        read_keys([path])


def witness(path, key=OWN, trusted=PUBLIC):
    return Witness(path, WITNESS, key, [trusted])


def test_a_witness_cosigns_what_grew(tmp_path, chain):
    at_work = witness(tmp_path / "w")
    for number, size in enumerate((0, 300, 300, 1_000)):
        sign(tmp_path / "n", chain[:size])
        (done,) = at_work.run(tmp_path / "n", 1_700_000_000 + number)
        assert done.size == size
    note, checkpoint = LogFolder(tmp_path / "n" / "0").archived(1_000)
    signed = verified(note, [PUBLIC, OWN.public(WITNESS, COSIGNATURE)])
    assert [(one.key.name, one.time) for one in signed] == [
        (f"{ORIGIN}/0", None),
        (WITNESS, 1_700_000_003),
    ]
    assert at_work.seen(f"{ORIGIN}/0") == checkpoint
    assert len(LogFolder(tmp_path / "n" / "0").archived(300)[0].signatures) == 2


def test_a_witness_refuses_rollback_fork_and_a_foreign_signature(tmp_path, chain):
    at_work = witness(tmp_path / "w")
    sign(tmp_path / "n", chain[:600])
    at_work.run(tmp_path / "n", 1)
    sign(tmp_path / "short", chain[:500])
    with pytest.raises(Refused, match="at 500: rollback, this witness cosigned 600"):
        at_work.run(tmp_path / "short", 2)
    for size in (600, 700):
        forged = chain[:300] + linked(chain[301 : size + 1], 300, chain[299][-32:])
        sign(tmp_path / f"fork{size}", forged)
        with pytest.raises(Refused, match=f"at {size}: fork"):
            at_work.run(tmp_path / f"fork{size}", 3)
    with pytest.raises(Refused, match="wrong signature: it is not signed by the notary's key"):
        witness(tmp_path / "w2", trusted=OWN.public(f"{ORIGIN}/0")).run(tmp_path / "n", 4)
    tile = tmp_path / "n" / "0" / "tile" / "0" / "002"
    sign(tmp_path / "n", chain[:900])
    tile.write_bytes(bytes(100))
    with pytest.raises(Refused, match=r"no consistency proof, tile/0/002 has 100 bytes"):
        at_work.run(tmp_path / "n", 5)
    with pytest.raises(UserError, match="is damaged: it is not signed by this witness"):
        witness(tmp_path / "w", key=KEY).seen(f"{ORIGIN}/0")
    with pytest.raises(UserError, match="there is no notary's folder"):
        at_work.run(tmp_path / "nothing", 6)
