import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import merkle
from tests.naive import merkle as naive

# The published Certificate Transparency vectors (RFC 6962 trees): transparency-dev/merkle,
# testonly/constants.go, and google/certificate-transparency, cpp/merkletree tests.
RECORDS = [
    bytes.fromhex(text)
    for text in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION_5_OF_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CONSISTENCY_2_TO_5 = [
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
]

records = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def leaves_of(values):
    return [merkle.leaf_hash(value) for value in values]


def flipped(value, bit):
    octets = bytearray(value)
    octets[bit // 8 % len(octets)] ^= 1 << bit % 8
    return bytes(octets)


@pytest.mark.parametrize("size", range(9))
def test_root_equals_the_published_vector(size):
    assert merkle.root(leaves_of(RECORDS[:size])).hex() == ROOTS[size]


def test_proofs_equal_the_published_vectors():
    leaves = leaves_of(RECORDS)
    assert [node.hex() for node in merkle.inclusion_path(5, leaves)] == INCLUSION_5_OF_8
    assert [node.hex() for node in merkle.consistency_path(2, leaves[:5])] == CONSISTENCY_2_TO_5


@given(records)
def test_root_and_paths_equal_the_recursive_definition(values):
    leaves = leaves_of(values)
    assert merkle.root(leaves) == naive.tree_hash(values)
    for index in range(len(values)):
        assert merkle.inclusion_path(index, leaves) == naive.path(index, values)


@given(records)
def test_every_inclusion_proof_holds_at_its_place_only(values):
    leaves = leaves_of(values)
    root, size = merkle.root(leaves), len(leaves)
    for index, leaf in enumerate(leaves):
        path = merkle.inclusion_path(index, leaves)
        assert merkle.verify_inclusion(index, size, leaf, path, root)
        assert not merkle.verify_inclusion(size, size, leaf, path, root)
        assert not merkle.verify_inclusion(-1, size, leaf, path, root)
        assert not merkle.verify_inclusion(index, size, leaf, [*path, root], root)
        assert not path or not merkle.verify_inclusion(index, size, leaf, path[:-1], root)


@given(records, st.data())
def test_a_changed_bit_breaks_an_inclusion_proof(values, data):
    leaves = leaves_of(values)
    root, size = merkle.root(leaves), len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(index, leaves)
    bit = data.draw(st.integers(0, 255))
    parts = [leaves[index], root, *path]
    changed = data.draw(st.integers(0, len(parts) - 1))
    parts[changed] = flipped(parts[changed], bit)
    assert not merkle.verify_inclusion(index, size, parts[0], parts[2:], parts[1])


@given(records)
def test_consistency_proofs_hold_between_all_sizes(values):
    leaves = leaves_of(values)
    size, root = len(leaves), merkle.root(leaves)
    for first in range(1, size + 1):
        before, path = (merkle.root(leaves[:first]), merkle.consistency_path(first, leaves))
        assert merkle.verify_consistency(first, size, path, before, root)
        assert not merkle.verify_consistency(first, size, [*path, root], before, root)
        if first < size:
            assert not merkle.verify_consistency(first, size, path, root, before)
            assert not merkle.verify_consistency(first, size, path[:-1], before, root)
            assert not merkle.verify_consistency(first, size, path, flipped(before, 3), root)


def test_proofs_from_nothing_and_of_nothing_are_refused():
    leaves = leaves_of(RECORDS)
    with pytest.raises(IndexError, match="leaf 8 is not in a tree of 8"):
        merkle.inclusion_path(8, leaves)
    with pytest.raises(ValueError, match="no consistency proof from 0 to 8"):
        merkle.consistency_path(0, leaves)
    assert not merkle.verify_consistency(0, 8, [], merkle.EMPTY_ROOT, merkle.root(leaves))


def test_hashes_of_another_length_are_refused():
    leaf, root = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"a")
    assert merkle.verify_inclusion(0, 1, leaf, [], root)
    assert not merkle.verify_inclusion(0, 1, leaf[:31], [], leaf[:31])


def test_link_is_the_stated_hash():
    leaf = merkle.leaf_hash(b"event")
    octets = b"\x02" + bytes(32) + b"\x00\x00\x00\x00\x00\x00\x01\x02" + leaf
    assert merkle.link(merkle.GENESIS, 258, leaf) == hashlib.sha256(octets).digest()
