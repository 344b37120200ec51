"""What was read of a state table, kept in memory until the table is written to.

The table is the truth: what is kept is made from it at the first question, after a restart too, and
goes with it. Who writes to the table forgets it, or says what it is now.
"""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from schemas.step import Table

T = TypeVar("T")


class Kept(Generic[T]):
    """One way to read tables, and what it gave for each."""

    def __init__(self, read: Callable[[Table], T]) -> None:
        """Nothing is read yet."""
        self._read = read
        self._found: WeakKeyDictionary[Table, T] = WeakKeyDictionary()

    def of(self, table: Table) -> T:
        """What reading the table gives; not to be changed by the caller."""
        found = self._found.get(table)
        if found is None:
            found = self._found[table] = self._read(table)
        return found

    def put(self, table: Table, value: T) -> None:
        """Say what reading the table would give now."""
        self._found[table] = value

    def forget(self, table: Table) -> None:
        """The table is written to: read it again at the next question."""
        self._found.pop(table, None)


FRAMES = Kept(lambda table: table.frame())
"""All rows of small tables that are read more often than written."""
