"""Trees kept as tiles: the layout of C2SP tlog-tiles, and the proofs of the naive definition."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import merkle, tiles
from schemas.tiles import RightEdge, Tile, Tiles, number_path, tile_path
from tests.naive import merkle as naive

LEAVES = [hashlib.sha256(b"\x00" + n.to_bytes(4, "big")).digest() for n in range(300)]


def kept(edge, leaves):
    """The tiles of a tree of these leaves, as a notary keeps them: full ones, then partial ones."""
    return {(tile.level, tile.index): tile.hashes for tile in [*edge.add(leaves), *edge.partial()]}


def reader(found, size):
    return Tiles(size, lambda level, index, width: found[level, index][: width * 32])


def many(count, seed=0):
    return [hashlib.sha256(b"%d/%d" % (seed, n)).digest() for n in range(count)]


def test_paths_are_those_of_the_specification():
    assert number_path(1234067) == "x001/x234/067"
    assert tile_path(0, 5) == "tile/0/005"
    assert tile_path(3, 1000, 17) == "tile/3/x001/000.p/17"


def test_a_tree_of_70000_has_the_tiles_of_the_specification():
    # "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile
    # of width 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial
    # level 2 tile of width 1" (C2SP tlog-tiles)
    edge = RightEdge()
    full = edge.add(many(70_000))
    assert [tile.level for tile in full].count(0) == 273
    assert [tile.level for tile in full].count(1) == 1
    assert len(full) == 274
    assert [(t.level, t.index, t.width) for t in edge.partial()] == [
        (0, 273, 112),
        (1, 1, 17),
        (2, 0, 1),
    ]


def test_a_tree_of_256_has_a_full_tile_and_its_hash_above():
    edge = RightEdge()
    (tile,) = edge.add(LEAVES[:256])
    assert (tile.level, tile.index, tile.hashes) == (0, 0, b"".join(LEAVES[:256]))
    assert edge.partial() == [Tile(1, 0, naive.tree_over(LEAVES[:256]))]


def test_proofs_of_all_sizes_to_300_equal_the_recursive_definition():
    edge, found, tree_of = RightEdge(), {}, naive.hashes_of(LEAVES)
    for size in range(1, 301):
        found |= kept(edge, [LEAVES[size - 1]])
        tree, root = reader(found, size), tree_of(0, size)
        assert edge.root() == tree.root() == merkle.root(LEAVES[:size]) == root
        for index in range(size):
            path = tree.inclusion_path(index)
            assert path == naive.inclusion(index, 0, size, tree_of)
            assert merkle.verify_inclusion(index, size, LEAVES[index], path, root)
            assert naive.root_by_inclusion(index, size, LEAVES[index], path) == root
        for first in range(1, size + 1):
            path = tree.consistency_path(first)
            assert path == naive.consistency(first, 0, size, tree_of)
            assert merkle.verify_consistency(first, size, path, tree_of(0, first), root)
        if size % 20 == 0:
            leaves = LEAVES[:size]
            for place in range(0, size, 7):
                assert merkle.inclusion_path(place, leaves) == tree.inclusion_path(place)
                path = merkle.consistency_path(place + 1, leaves)
                assert path == tree.consistency_path(place + 1)


BIG = many(70_000, 1)
BIG_TREE = naive.hashes_of(BIG)


@settings(max_examples=50)
@given(st.integers(301, 70_000), st.data())
def test_proofs_of_larger_trees_equal_the_recursive_definition(size, data):
    leaves = BIG[:size]
    edge = RightEdge()
    cut = data.draw(st.integers(0, size))
    found = kept(edge, leaves[:cut]) | kept(edge, leaves[cut:])
    tree, root = reader(found, size), edge.root()
    assert root == tree.root() == BIG_TREE(0, size)
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion_path(index)
    assert path == naive.inclusion(index, 0, size, BIG_TREE)
    assert merkle.verify_inclusion(index, size, leaves[index], path, root)
    assert naive.root_by_inclusion(index, size, leaves[index], path) == root
    first = data.draw(st.integers(1, size))
    path = tree.consistency_path(first)
    assert path == naive.consistency(first, 0, size, BIG_TREE)
    before = tree.root(first)
    assert before == BIG_TREE(0, first)
    assert merkle.verify_consistency(first, size, path, before, root)
    if first < size:
        assert not merkle.verify_consistency(first, size, path, bytes(32), root)


@given(st.lists(st.integers(0, 700), max_size=6))
def test_a_tree_that_grows_in_pieces_is_the_same_tree(steps):
    edge, found, size = RightEdge(), {}, 0
    for step in steps:
        again = RightEdge(edge.size, edge.levels())
        assert again.root() == edge.root()
        found |= kept(again, BIG[size : size + step])
        edge, size = again, size + step
    whole = RightEdge()
    assert kept(whole, BIG[:size]).items() <= found.items()
    assert edge.levels() == whole.levels()


def test_what_is_no_right_edge_is_refused():
    edge = RightEdge()
    edge.add(LEAVES)
    with pytest.raises(ValueError, match="not the right edge of a tree of 299"):
        RightEdge(299, edge.levels())
    with pytest.raises(ValueError, match="not the right edge of a tree of 5"):
        RightEdge(5)


def test_a_tile_that_is_too_short_and_a_leaf_that_is_not_there():
    edge = RightEdge()
    found = kept(edge, LEAVES)
    tree = Tiles(300, lambda level, index, width: found[level, index][:40])
    with pytest.raises(ValueError, match=r"tile/0/000 has 40 bytes, not 8192"):
        tree.leaf(3)
    for ask in (tree.leaf, tree.inclusion_path):
        with pytest.raises(IndexError, match="leaf 300 is not in a tree of 300"):
            ask(300)
    for first in (0, 301):
        with pytest.raises(ValueError, match=f"no consistency proof from {first} to 300"):
            tree.consistency_path(first)


def test_the_empty_tree():
    assert RightEdge().root() == Tiles(0, lambda *_: b"").root() == merkle.EMPTY_ROOT
    assert tiles.RightEdge().partial() == []
