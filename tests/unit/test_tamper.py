"""Whatever is done to a signed log or its checkpoints is found, by kind and place."""

import numpy as np
import pytest

from deploy.drills import tamper
from deploy.drills.recorded import chain_of, recorded, with_chain
from deploy.drills.tampering import WAYS, Case, copy_of, linked
from deploy.errors import UserError
from deploy.proofs import findings
from deploy.proofs.audit import audit
from deploy.proofs.checkpoint import Checkpoint
from deploy.proofs.folder import LogFolder
from deploy.proofs.heads import Trust
from deploy.proofs.keys import SigningKey
from deploy.proofs.sources import InMemory
from schemas.notes import Note


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    chain = chain_of(recorded(9, 1_200, 1), 0)
    return tamper.sign(chain, tmp_path_factory.mktemp("signed"), 6)


@pytest.fixture
def case(signed, tmp_path):
    copy = copy_of(signed.folder, tmp_path / "copy")
    return Case(list(signed.messages), LogFolder(copy / "0"))


def first(signed, case):
    found = tamper.audited(signed, case).findings
    return (found[0].kind, found[0].position) if found else None


def test_a_log_as_it_was_signed_has_no_finding(signed, case):
    found = tamper.audited(signed, case)
    assert found.chain.ok
    assert found.findings == ()
    assert (found.signed, found.checkpoints) == (len(signed.messages), 6)


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("seed", range(6))
def test_kind_and_place_are_named(signed, case, kind, seed):
    expected = WAYS[kind](case, np.random.default_rng(seed))
    assert expected[0] == kind
    assert first(signed, case) == expected


@pytest.mark.parametrize("bit", [0, 7, 8 * 4, 8 * 5 + 1, 8 * 6, 8 * 18, 8 * 19, 8 * 20, -1, -260])
def test_a_changed_last_event_is_a_changed_byte_wherever_the_bit_is(signed, case, bit):
    octets = bytearray(case.messages[-1])
    bit %= 8 * len(octets)
    octets[bit // 8] ^= 1 << bit % 8
    case.messages[-1] = bytes(octets)
    assert first(signed, case) == (findings.CHANGED, len(case.messages) - 1)


def test_without_a_notary_a_cut_off_or_rewritten_chain_is_not_seen(signed):
    for messages in (signed.messages[:50], linked(signed.messages[1:], 0, bytes(32))):
        found = audit(InMemory(with_chain(messages, 0)), 0)
        assert found.chain.ok
        assert found.findings == ()


def test_events_that_are_not_signed_yet_are_checked_by_their_links(signed, case):
    trust = case.folder.path
    more = linked(signed.messages[:3], len(signed.messages), signed.messages[-1][-32:])
    case.messages += more
    assert trust.exists()
    assert first(signed, case) is None
    del case.messages[-2]
    assert first(signed, case) == (findings.DROPPED, len(signed.messages) + 1)


def test_a_damaged_tile_is_no_fork(signed, case):
    tile = case.folder.path / "tile" / "0" / "000"
    octets = bytearray(tile.read_bytes())
    octets[32 * 17 + 3] ^= 1
    tile.write_bytes(bytes(octets))
    assert first(signed, case) == (findings.TILE, 17)
    tile.unlink()
    assert first(signed, case) == (findings.TILE, 0)


def test_a_notary_that_signed_wrong_counts_or_two_histories_is_found(signed, tmp_path):
    key = SigningKey.make()
    origin = "o/0"
    sizes = sorted(LogFolder(signed.folder / "0").sizes())
    good = LogFolder(signed.folder / "0").archived(sizes[2])[1]
    wrong = {
        findings.COUNTS: Checkpoint(origin, good.size, good.root, ("inputs netting x/0 total 1",)),
        findings.FORK: Checkpoint(origin, good.size, bytes(32), good.counts),
    }
    for kind, checkpoint in wrong.items():
        folder = LogFolder(copy_of(signed.folder, tmp_path / kind) / "0")
        for size in sizes:
            kept = folder.archived(size)[1]
            one = checkpoint if size == good.size else Checkpoint(origin, size, kept.root)
            note = Note(one.text, (key.sign(one.text, origin),))
            folder.archive_path(size).write_text(str(note))
        folder.path.joinpath("checkpoint").write_text(str(note))
        trust = Trust(tmp_path / kind, (key.public(origin),))
        found = audit(InMemory(with_chain(signed.messages, 0)), 0, trust)
        assert [(one.kind, one.position) for one in found.findings] == [(kind, good.size)]


def test_keys_of_another_partition_are_told(signed):
    key = SigningKey.make().public("o/1")
    with pytest.raises(UserError, match="none of the keys is of partition 0"):
        audit(InMemory(with_chain([], 0)), 0, Trust(signed.folder, (key,)))


def test_the_drill_finds_all(tmp_path):
    report = tamper.run(seed=2, places=2, trades=400, signatures=3)
    found = {result.what: result for result in report.results}
    assert found["findings in the log as it was"].value == 0
    assert found["tampered logs taken for whole, or misnamed"].value == 0
    assert len(WAYS) == 7
    for kind in WAYS:
        assert found[f"{kind}: kind and position right"].value == 2
