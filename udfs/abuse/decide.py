"""Which hits become alerts: rules and the model together, one alert an episode."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from schemas.step import State, TableSpec
from udfs.abuse.features import FEATURES, Array, Scorer
from udfs.abuse.rulebook import RULES, RuleBook
from udfs.abuse.rules.rule import WHOLE, Hit, View
from udfs.abuse.scored import matrix
from udfs.abuse.telling import Feature, Raised
from udfs.abuse.windows import SECOND

SAID = "abuse.said"
TABLES = {SAID: TableSpec({"name": "str", "until": "int"}, "name")}
MODEL = "model-score"
MODEL_COOL_DOWN_S = 600
TOLD = 5
"""So many features of a score are told."""
_EVENT = ("event_id", "owner", "isin", "mic", "time", "currency", "price_scale", "offset")


def ruled(view: View, book: RuleBook) -> list[tuple[str, Hit]]:
    """Hits of all rules that are enabled, with the rule's name, in log order."""
    found = []
    for name, rule in RULES.items():
        params = getattr(book, name.replace("-", "_"))
        if params.enabled:
            found += [(name, hit) for hit in rule(view, params)]
    return sorted(found, key=lambda one: one[1].row)


def modelled(view: View, scores: Array, scorer: Scorer) -> list[tuple[str, Hit]]:
    """Orders whose score is high enough, in log order."""
    found = []
    now = view.facts.now
    for at in np.flatnonzero(scores >= scorer.at_least).tolist():
        row, score = int(view.scored["row"][at]), int(scores[at])
        hit = Hit(
            row,
            "HIGH" if 2 * score >= WHOLE + scorer.at_least else "MEDIUM",
            score,
            f"score {score / WHOLE:.6f}",
            f"{scorer.at_least / WHOLE:.6f}",
            "A model finds the order like those of abuse; see the features behind it",
            [view.piece(row)],
            int(now["quantity"][row]),
            int(now["price"][row]),
        )
        found.append((MODEL, hit))
    return found


def raised(
    state: State,
    view: View,
    hits: Sequence[tuple[str, Hit]],
    scores: Array,
    scorer: Scorer,
    book: RuleBook,
    prefix: str = "",
) -> list[Raised]:
    """The hits that are told: the first of a rule for an owner in a book, until it is over.

    The score of a rule's alert is that of rule and model together, r + m - r x m.

    Args:
        state: Has TABLES.
        view: The batch.
        hits: What was met; of one row they are told in this order.
        scores: The model's, of view.scored.
        scorer: The model.
        book: Parameters of the rules.
        prefix: Before the names of what is remembered.
    """
    if not hits:
        return []
    now, hits = view.facts.now, sorted(hits, key=lambda one: one[1].row)
    names = [
        f"{prefix}{rule}|book {now['booked'][hit.row]}|{hit.subject}"
        if hit.subject
        else f"{prefix}{rule}|{now['pair'][hit.row]}"
        for rule, hit in hits
    ]
    until = dict(_until(state, names))
    place = {int(row): at for at, row in enumerate(view.scored["row"].to_list())}
    kept: list[tuple[str, Hit]] = []
    for name, (rule, hit) in zip(names, hits, strict=True):
        at = int(now["at"][hit.row])
        if at < until[name]:
            continue
        until[name] = at + SECOND * _cool_down(rule, book)
        kept.append((rule, hit))
    if not kept:
        return []
    state[SAID].upsert(pl.DataFrame({"name": list(until), "until": list(until.values())}))
    events = view.facts.frame.select(*_EVENT)[[hit.row for _, hit in kept]].rows(named=True)
    features = _features(view, kept, place, scorer)
    decided = f"rules:{digest(book)}"
    out = []
    for (rule, hit), event, told in zip(kept, events, features, strict=True):
        by_model = rule == MODEL
        at = -1 if hit.subject else place.get(hit.row, -1)
        model = int(scores[at]) if at >= 0 else 0
        score = hit.score if by_model else hit.score + model - hit.score * model // WHOLE
        version = "1" if by_model else RULES[rule].version
        by = f"model:{scorer.hash}" if by_model else decided
        shown = replace(hit, score=score, pieces=hit.pieces or [view.piece(hit.row)])
        out.append(Raised(shown, rule, version, by, event, told))
    return out


def digest(book: RuleBook) -> str:
    """SHA-256 of the parameters and versions of all rules, hex."""
    versions = ",".join(f"{name}@{rule.version}" for name, rule in RULES.items())
    return hashlib.sha256(f"{versions}\n{book.model_dump_json()}".encode()).hexdigest()


def _until(state: State, names: Sequence[str]) -> list[tuple[str, int]]:
    found = state[SAID].lookup(pl.Series("name", list(dict.fromkeys(names))))
    return found.select("name", "until").rows()


def _cool_down(rule: str, book: RuleBook) -> int:
    if rule == MODEL:
        return MODEL_COOL_DOWN_S
    params = getattr(book, rule.replace("-", "_"))
    return int(params.cool_down_s)


def _features(
    view: View, kept: Sequence[tuple[str, Hit]], place: Mapping[int, int], scorer: Scorer
) -> list[list[Feature]]:
    """What the model says of each hit at an order's end; nothing of others."""
    at = [-1 if hit.subject else place.get(hit.row, -1) for _, hit in kept]
    wanted = [one for one in at if one >= 0]
    if not wanted:
        return [[] for _ in at]
    values = matrix(view.scored[wanted])
    parts = iter(scorer.contributions(values, TOLD))
    rows = iter(values)
    names = list(FEATURES)
    out: list[list[Feature]] = []
    for one in at:
        if one < 0:
            out.append([])
            continue
        row = next(rows)
        out.append([Feature(names[f], _millionths(row[f]), size) for f, size in next(parts)])
    return out


def _millionths(value: float) -> int | None:
    return None if np.isnan(value) else round(float(value) * WHOLE)
