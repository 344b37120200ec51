"""A Merkle tree as tiles of 256 hashes, the way C2SP tlog-tiles lays it out, and proofs from them.

A tile of level 0 holds leaf hashes; a hash in a tile of level n + 1 is the root of a full tile of
level n. Only the last tile of a level may be partial. Nothing here reads or writes: `RightEdge`
says which tiles a growing tree completes, `Tiles` asks a function for those it needs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from schemas.merkle import EMPTY_ROOT, node_hash, root

WIDTH = 256
"""Hashes in a full tile."""
HASH_SIZE = 32

Fetch = Callable[[int, int, int], bytes]
"""(level, index, width) -> the first `width` hashes of that tile, one after the other."""


@dataclass(frozen=True)
class Tile:
    """One tile: `hashes` are 1 to 256 hashes of 32 bytes, one after the other."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """How many hashes it has."""
        return len(self.hashes) // HASH_SIZE

    @property
    def path(self) -> str:
        """Where it stands below the log's folder."""
        return tile_path(self.level, self.index, self.width)


def number_path(index: int) -> str:
    """A number as folders of three digits, all but the last with an x: 1234067 -> x001/x234/067."""
    last = f"{index % 1000:03d}"
    while index := index // 1000:
        last = f"x{index % 1000:03d}/{last}"
    return last


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """`tile/LEVEL/INDEX`, with `.p/WIDTH` behind it for a partial tile."""
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{number_path(index)}{partial}"


class RightEdge:
    """The hashes of a growing tree that are in no full tile yet: all that is needed to go on."""

    def __init__(self, size: int = 0, levels: Iterable[bytes] = ()) -> None:
        """Go on from a tree of `size` leaves; `levels` is what `levels()` gave for it.

        Raises:
            ValueError: The hashes are not those of a tree of this size.
        """
        self.size = size
        self._levels = [_split(hashes) for hashes in levels]
        wanted = [size >> 8 * level for level in range(max(len(self._levels), _height(size)))]
        if [len(level) for level in self._levels] != [count % WIDTH for count in wanted]:
            raise ValueError(f"these hashes are not the right edge of a tree of {size} leaves")

    def levels(self) -> list[bytes]:
        """The hashes of the partial tile of each level, from the leaves up."""
        return [b"".join(level) for level in self._levels]

    def add(self, leaves: Sequence[bytes]) -> list[Tile]:
        """Append leaf hashes; the tiles they completed."""
        tiles: list[Tile] = []
        hashes, before, level = list(leaves), self.size, 0
        self.size += len(hashes)
        while hashes:
            if level == len(self._levels):
                self._levels.append([])
            pending = self._levels[level] + hashes
            full = len(pending) // WIDTH * WIDTH
            index = before // WIDTH
            hashes = []
            for start in range(0, full, WIDTH):
                part = pending[start : start + WIDTH]
                tiles.append(Tile(level, index + start // WIDTH, b"".join(part)))
                hashes.append(root(part))
            self._levels[level] = pending[full:]
            before, level = index, level + 1
        return tiles

    def partial(self) -> list[Tile]:
        """The partial tiles of the tree as it is."""
        return [
            Tile(level, self.size >> 8 * (level + 1), b"".join(hashes))
            for level, hashes in enumerate(self._levels)
            if hashes
        ]

    def root(self) -> bytes:
        """RFC 9162 root of the tree as it is."""
        last: list[bytes] = []
        for hashes in self._levels:
            if items := hashes + last:
                last = [root(items)]
        return last[0] if last else EMPTY_ROOT


class Tiles:
    """Reads a tree of a given size from its tiles: hashes of subtrees, root and proofs."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        """`fetch` is asked for each tile once, with the width the tile has in a tree of `size`."""
        self.size = size
        self._fetch = fetch
        self._known: dict[tuple[int, int], list[bytes]] = {}

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`; IndexError if there is none."""
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} is not in a tree of {self.size}")
        return self.tile(0, index // WIDTH)[index % WIDTH]

    def tile(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile.

        Raises:
            ValueError: What was fetched is not as long as the tile is in a tree of this size.
        """
        if (level, index) not in self._known:
            width = min(WIDTH, (self.size >> 8 * level) - index * WIDTH)
            hashes = self._fetch(level, index, width)
            if len(hashes) != width * HASH_SIZE:
                raise ValueError(
                    f"{tile_path(level, index, width)} has {len(hashes)} bytes, "
                    f"not {width * HASH_SIZE}"
                )
            self._known[level, index] = _split(hashes)
        return self._known[level, index]

    def root(self, size: int | None = None) -> bytes:
        """Root of the tree of the first `size` leaves; of the whole tree without."""
        size = self.size if size is None else size
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_path(self, index: int) -> list[bytes]:
        """The sibling hashes, leaf to root, that prove leaf `index`.

        Raises:
            IndexError: There is no such leaf.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} is not in a tree of {self.size}")
        path, start, end = [], 0, self.size
        while end - start > 1:
            middle = start + _split_at(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return path[::-1]

    def consistency_path(self, first: int) -> list[bytes]:
        """The hashes that prove that the tree of the first `first` leaves grew into this one.

        Raises:
            ValueError: `first` is 0 or larger than the tree.
        """
        if not 0 < first <= self.size:
            raise ValueError(f"no consistency proof from {first} to {self.size} leaves")
        path, start, end = [], 0, self.size
        while first < end:
            middle = start + _split_at(end - start)
            if first <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        if start:
            path.append(self._range(start, end))
        return path[::-1]

    def _range(self, start: int, end: int) -> bytes:
        """Root over the leaves `start` to `end`, a subtree of this tree or of one before it."""
        count = end - start
        if count & (count - 1) == 0:
            return self._complete(count.bit_length() - 1, start)
        middle = start + _split_at(count)
        return node_hash(self._range(start, middle), self._range(middle, end))

    def _complete(self, height: int, start: int) -> bytes:
        """Root over 2^height leaves from `start`, a multiple of 2^height, on."""
        level, rest = divmod(height, 8)
        place = start >> 8 * level
        hashes = self.tile(level, place // WIDTH)
        at = place % WIDTH
        return root(hashes[at : at + (1 << rest)])


def _split_at(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _height(size: int) -> int:
    """How many levels of tiles a tree of `size` leaves has."""
    return -(-size.bit_length() // 8)


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
