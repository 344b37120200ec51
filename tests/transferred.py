"""Logs of transfers made by hand, folded through the motif stage."""

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.naive.logs import fold, log_frame, marked
from tests.naive.tables import naive_state
from udfs.aml import slots
from udfs.aml.ruleset import RuleSet, canonical, digest
from udfs.aml.trust import key_id, signed_text
from udfs.motifs.params import COMMON, MOTIFS, Common, Params
from udfs.motifs.step import TABLES, MotifStep

HOUR = 3_600_000_000
DAY = 24 * HOUR
SHARD = 0
DEFAULT = object()
LAST = ("Z1", "Z2", 400 * DAY, 1)
"""A transfer after all others: only then does the watermark pass them."""
SCHEMA = {
    "transfer_id": pl.String,
    "time": pl.Int64,
    "source": pl.String,
    "target": pl.String,
    "target_account": pl.String,
    "amount": pl.Int64,
}


def transfers(rows):
    """Rows of (source, target, time, amount), in the order of the log, as the step is given them.

    The account of a customer is A and his id; who is named X... is an account elsewhere.
    """
    return marked(
        [
            {
                "transfer_id": f"t{n:03d}",
                "time": at,
                "source": source,
                "target": target,
                "target_account": target if target.startswith("X") else f"A{target}",
                "amount": amount,
            }
            for n, (source, target, at, amount) in enumerate([*rows, LAST])
        ],
        "time",
    )


def without_floor(**said):
    """Parameters in which every amount counts."""
    return Params(**{"floor": 0} | said)


def body(params):
    """A rule set that says these parameters of motifs."""
    said = params.model_dump(mode="json")
    shapes = {name: said[name.replace("-", "_")] for name in MOTIFS if name != COMMON}
    common = {name: said[name] for name in Common.model_fields}
    return canonical(RuleSet(rules={}, motifs={COMMON: common, **shapes}))


# RFC 8032, section 7.1, test 1
SIGNING = Ed25519PrivateKey.from_private_bytes(
    bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
)
KEY = SIGNING.public_key().public_bytes_raw()


def rule_set(text, effective, epoch=1, mode="LIVE"):
    """A signed record of a rule set as it travels, but for who published it."""
    row = {
        "ruleset_id": f"r{epoch}",
        "time": effective,
        "name": "aml",
        "epoch": epoch,
        "mode": mode,
        "effective_time": effective,
        "body": text,
        "hash": digest(text),
        "author": "ada",
        "approver": "bob",
        "key_id": key_id(KEY),
    }
    return row | {"signature": SIGNING.sign(signed_text(row).encode())}


def alerts(rows, params=None, ends=None, state=None):
    """All alerts of a log made of `rows`, cut at `ends`, as dicts.

    `params` are in force, without any those without a floor; DEFAULT: no rule set was published.
    """
    rows = transfers(rows)
    state = naive_state(TABLES) if state is None else state
    if params is not DEFAULT:
        text = body(params or without_floor())
        state[slots.SETS].upsert(pl.DataFrame({"slot": ["live"], "epoch": [1], "body": [text]}))
    frame = log_frame(rows, SCHEMA)
    out = fold(MotifStep(), state, "transfers", frame, "time", ends or [len(rows)], SHARD)
    return out["alerts"].to_dicts() if out else []


def told(rows, rule, params=None):
    """(subject, size, events) of the alerts of one rule; the log is in order of time."""
    rows = sorted(rows, key=lambda row: row[2])
    return [
        (a["subject"], int(a["measured"].split()[0]), a["events"].split(";"))
        for a in alerts(rows, params)
        if a["rule"] == rule
    ]
