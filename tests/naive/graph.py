"""Edges from the definitions, in loops over dicts; shares nothing with `udfs.graph`."""

FIELDS = {
    "payments": ("PAYMENT", "ACCOUNT", "debtor_account", "creditor_account", "currency", "time"),
    "obligations": ("OBLIGATION", "MEMBER", "payer", "receiver", "asset", "trade_time"),
}


def edges_of(topic, events, watermark, window_us, shard):
    """The edges, as dicts in order, of all windows of one feed that `watermark` completes."""
    kind, ends, source, target, asset, time = FIELDS[topic]
    found = {}
    for event in events:
        if (
            topic == "obligations" and len(event[asset]) != 3
        ):  # securities: the cash leg is the edge
            continue
        start = max(event[time], event["watermark"]) // window_us * window_us
        key = (start, event[source], event[target], event[asset], event["scale"])
        edge = found.setdefault(
            key,
            {"count": 0, "amount": 0, "late": 0, "first_offset": event["offset"]},
        )
        edge["count"] += 1
        edge["amount"] += event["amount"]
        edge["late"] += int(event["late"])
        edge["last_offset"] = event["offset"]
    out = []
    for (start, a, b, unit, scale), sums in sorted(found.items()):
        if start + window_us <= watermark:
            names = [name.replace("%", "%25").replace("|", "%7C") for name in (a, b, unit)]
            edge_id = "|".join([kind, *names, str(scale), str(start), str(shard)])
            out.append(
                sums
                | {
                    "edge_id": edge_id,
                    "kind": kind,
                    "source": a,
                    "target": b,
                    "source_kind": ends,
                    "target_kind": ends,
                    "asset": unit,
                    "scale": scale,
                    "window_start": start,
                    "window_end": start + window_us,
                    "source_topic": topic,
                    "source_partition": shard,
                    "version": "graph/1",
                }
            )
    return out
