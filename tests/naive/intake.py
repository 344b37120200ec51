"""The edge of a job once more, one record after the other, with plain dicts and sets."""

from connectors.intake import Dead
from connectors.log import Span
from connectors.spec import Feed
from connectors.topics import TICK_KEY
from schemas.checks import violations
from schemas.codec import CodecError, decode, decode_batch
from schemas.step import MIN_TIME


def judge(feed: Feed, span: Span) -> tuple[list[tuple[int, bool, int]], list[tuple[int, str]], int]:
    """Used events (offset, late, watermark before), dead letters (offset, code), repeats."""
    rec = feed.record
    used, dead, repeats = [], [], 0
    bodies: dict[tuple[str, int], bytes] = {}
    greatest, tick = MIN_TIME, MIN_TIME
    for offset, appended, key, value in zip(
        span.offsets, span.appended, span.keys, span.values, strict=True
    ):
        allowed = appended * 1_000 if tick == MIN_TIME else tick
        if key == TICK_KEY:
            if not value:
                continue
            time = int.from_bytes(value, "big", signed=True)
            if len(value) != 8 or time > allowed + feed.tick_ahead:
                dead.append((offset, "bad-tick"))
                continue
            tick = max(tick, time)
            greatest = max(greatest, tick)
            continue
        if value is None:
            dead.append((offset, "tombstone"))
            continue
        try:
            row = decode(value)[1]
        except CodecError as error:
            dead.append((offset, str(error).split(":")[0]))
            continue
        if violations(rec, decode_batch(rec, [value])[0]):
            dead.append((offset, "out-of-range"))
            continue
        time = row[rec.time]
        if time > allowed + feed.ahead:
            dead.append((offset, "too-far-ahead"))
            continue
        number = row[rec.producer], row[rec.sequence]
        if number in bodies:
            if bodies[number] == value:
                repeats += 1
            else:
                dead.append((offset, "conflicting-duplicate"))
            continue
        bodies[number] = value
        watermark = MIN_TIME if greatest == MIN_TIME else greatest - feed.lateness
        used.append((offset, time < watermark, watermark))
        greatest = max(greatest, time)
    return used, dead, repeats


def codes(dead: list[Dead]) -> list[tuple[int, str]]:
    """Dead letters as (offset, code)."""
    return [(letter.offset, letter.reason.split(":")[0]) for letter in dead]
