"""What can be wrong with a message: the error and the rejected row of codec and checks."""

from dataclasses import dataclass


class CodecError(ValueError):
    """A message, or a block of them, is not what its schema says; the text is the reason."""


@dataclass(frozen=True, order=True)
class Rejected:
    """One message of a batch that may not be used.

    Attributes:
        index: Its place in the batch, from 0.
        reason: A code and what is wrong in words, as in
            `out-of-range: amount is -5, at least 1 is asked`.
    """

    index: int
    reason: str
