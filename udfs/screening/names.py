"""A name as it is compared: transliterated, in lower case, without forms of address and companies.

In this order: NFKC, script by script to ASCII, marks inside words dropped, legal forms and titles
dropped, "Abd al-X" made one token. Tokens stay in the order written; comparing is free of it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

from udfs.screening import words

LONGEST = 24
"""So many tokens of a name are looked at: longer ones are addresses or worse."""

_COMMITMENT = re.compile("c1:[A-Za-z0-9_-]{43}")
"""Stands in the log for a name that is kept elsewhere."""
_ARABIC = re.compile("[\u0590-\u06ff\u0750-\u077f\u08a0-\u08ff]")
_GLYPHS = re.compile("([\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0002ffff])")
_SCRIPTS = words.replacements("greek") + words.replacements("latin")
_VOWELLESS = words.replacements("arabic")
_LATIN_ARTICLE = re.compile(
    r"\b(?:al|el|ul|as|ash|ad|adh|an|ar|at|ath|az|es|ed|er)[-\u2010](?=[a-z]{2})"
)
_INSIDE = re.compile("['`\"\u00b4\u2019\u02bb\u02bc\u02bd]")
_ABBREVIATED = re.compile(r"\b(?:[a-z0-9]\.){2,}(?:[a-z0-9]\b)?")
_WORD = re.compile(r"[a-z0-9]+")
_ABD = re.compile(r"abd(?:ul|el|al|oul|ur)(?=[a-z]{3})")


@dataclass(frozen=True)
class Name:
    """A name's tokens, and whether its script writes no short vowels (Arabic, Hebrew)."""

    tokens: tuple[str, ...]
    bare: bool = False

    @property
    def text(self) -> str:
        """The tokens in one text."""
        return " ".join(self.tokens)

    @property
    def digest(self) -> str:
        """Names a name in exceptions and alert ids without telling it: 20 hex digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:20]


@lru_cache(maxsize=20_000)
def normalise(raw: str) -> Name:
    """What is compared of `raw`; without tokens if it holds nothing that can be read.

    >>> normalise("Dr. Юрий Щукин").text
    'yuriy shchukin'
    >>> normalise("ACME Trading Co., L.L.C.").text
    'acme trading co'
    """
    if _COMMITMENT.fullmatch(raw):
        return Name(())
    text = unicodedata.normalize("NFKC", raw)
    bare = _ARABIC.search(text) is not None
    plain = _INSIDE.sub("", _ascii(text.casefold(), bare))
    plain = _LATIN_ARTICLE.sub("al ", plain)
    plain = _ABBREVIATED.sub(_spelled, plain)
    tokens = _kept(_WORD.findall(plain))
    return Name(tuple(_servants(tokens)[:LONGEST]), bare)


def _ascii(text: str, bare: bool) -> str:
    """Letters of all scripts as ASCII; a glyph that is a syllable becomes a word."""
    if text.isascii():
        return text
    for found, instead in (*_VOWELLESS, *_SCRIPTS) if bare else _SCRIPTS:
        text = found.sub(instead, text)
    return anyascii(_GLYPHS.sub(r" \1 ", text)).lower()


def _spelled(found: re.Match[str]) -> str:
    """A legal form written with dots becomes a word, initials become one word each."""
    letters = found.group().replace(".", "")
    if letters in words.SPELLED_TITLES:
        return " "
    known = letters in words.FORMS or letters in words.SHORT_FORMS or letters in words.VESSEL_MARKS
    return f" {letters} " if known else f" {' '.join(letters)} "


def _kept(tokens: list[str]) -> list[str]:
    """The tokens without titles and legal forms, or all if nothing else is there."""
    for size in (4, 3, 2):  # forms spelled out, as in S A or G m b H
        last = tokens[-size:]
        joined = "".join(last)
        spelled = len(tokens) > size and all(len(token) == 1 for token in last)
        if spelled and joined in words.FORMS | words.SHORT_FORMS:
            tokens = [*tokens[:-size], joined]
            break
    if len(tokens) > 2 and tokens[0] == "m" and tokens[1] in ("v", "t"):
        tokens = tokens[2:]
    if len(tokens) > 1 and tokens[0] in words.VESSEL_MARKS:
        tokens = tokens[1:]
    tokens = ["al" if token in ("el", "ul") else token for token in tokens]
    kept = [t for t in tokens if t not in words.FORMS and t not in words.TITLES]
    return kept or tokens


def _servants(tokens: Sequence[str]) -> list[str]:
    """Abd al-X, Abdul X and Abdulx as one token abdx."""
    out: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        step = 1
        if token in words.ABD and at + 1 < len(tokens):
            skip = 1 + (tokens[at + 1] in ("al", "ur") and at + 2 < len(tokens))
            token, step = "abd" + tokens[at + skip], skip + 1
        else:
            token = _ABD.sub("abd", token, count=1) if token.startswith("abd") else token
        out.append(token)
        at += step
    return out
