"""Signed notes and keys: what C2SP signed-note says, and what it says must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.proofs.checkpoint import heads_text, parse_checkpoint, parse_heads, read_checkpoint
from deploy.proofs.keys import verified
from schemas.notes import ED25519, NoteError, PublicKey, encode64, parse_key, parse_note

# Note and key of the Go sum database, golang.org/x/mod/sumdb/note, example in note.go.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SAYING = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf"
    "qdngotpRZb6KE6RyyBwJnAM=\n"
)
# The examples of C2SP tlog-cosignature, tlog-checkpoint.
CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN"
    "7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9"
    "dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_a_published_note_is_verified_by_its_published_key():
    key = parse_key(PETER)
    note = parse_note(SAYING.encode())
    assert (key.name, key.kind, str(key)) == ("PeterNeumann", ED25519, PETER)
    assert [one.key for one in verified(note, [key])] == [key]
    assert str(note) == SAYING


def test_the_specifications_checkpoint_is_read():
    note, checkpoint = read_checkpoint(CHECKPOINT.encode())
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a")
    assert checkpoint.text == note.text
    assert [one.name for one in note.signatures] == [checkpoint.origin, "witness.example.com/w1"]
    assert note.signatures[1].octets[:8] == (1679315147).to_bytes(8, "big")
    assert str(note) == CHECKPOINT


def test_an_unknown_key_is_passed_over_and_a_known_one_must_hold():
    note = parse_note(SAYING.encode())
    key = parse_key(PETER)
    assert verified(note, [PublicKey("PeterNeumann", ED25519, bytes(32))]) == []
    changed = parse_note(SAYING.replace("think", "thing").encode())
    with pytest.raises(NoteError, match="the signature of PeterNeumann does not hold"):
        verified(changed, [key])


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"\xff\n\nx", "not UTF-8"),
        (b"a\tb\n\n\xe2\x80\x94 k AAAAAAA=\n", "control character"),
        (b"a\n", "no text, empty line and signatures"),
        (b"a\n\n\xe2\x80\x94 k AAAAAAA=", "no text, empty line and signatures"),
        (b"a\n\nk AAAAAAA=\n", "a signature line is not as it must be"),
        (b"a\n\n\xe2\x80\x94 k+l AAAAAAA=\n", "a signature line is not as it must be"),
        (b"a\n\n\xe2\x80\x94 k AAAA\n", "too short"),
        (b"a\n\n\xe2\x80\x94 k AAAAAAB=\n", "not base64 in its one form"),
        (b"a\n\n\xe2\x80\x94 k !!\n", "not base64"),
    ],
)
def test_what_is_no_note_is_refused(octets, reason):
    with pytest.raises(NoteError, match=reason):
        parse_note(octets)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("PeterNeumann", r"not NAME\+ID\+KEY"),
        (PETER.replace("c74f20a3", "c74f20a4"), "its id does not fit"),
        ("k+00000000+" + encode64(b"\x02" + bytes(32)), "not an Ed25519 key"),
        ("k+00000000+" + encode64(b"\x01" + bytes(31)), "not an Ed25519 key"),
    ],
)
def test_what_is_no_key_is_refused(line, reason):
    with pytest.raises(NoteError, match=reason):
        parse_key(line)


@pytest.mark.parametrize(
    "text",
    ["o\n1\n", "o\n01\nAAAA\n", "o\n-1\nAAAA\n", "o\n1\nAAAA\n", "o\n1\n\nx\n", "\n1\nAAAA\n"],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoteError):
        parse_checkpoint(text)


@given(st.lists(st.tuples(st.integers(0, 2**60), st.binary(min_size=32, max_size=32)), max_size=4))
def test_the_list_of_heads_reads_back_and_is_no_checkpoint(found):
    heads = [
        parse_checkpoint(f"log.example/x/{n}\n{size}\n{encode64(root)}\n")
        for n, (size, root) in enumerate(found)
    ]
    text = heads_text("log.example/x", heads)
    assert parse_heads(text) == ("log.example/x", heads)
    with pytest.raises(NoteError):
        parse_checkpoint(text)
    with pytest.raises(NoteError, match="not a list of heads"):
        parse_heads(CHECKPOINT)
