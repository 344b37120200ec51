"""Netting from the definitions, in loops over dicts; shares nothing with `udfs.netting`.

Obligations are dicts in log order with the record's fields, `offset`, `late`, `watermark` and
`leaf`. All cycles that `watermark` completes are netted at once, over the whole log.
"""

from collections import defaultdict

from tests.naive.merkle import tree_over

VERSION = "netting/1"


def net_log(obligations, watermark, cycle_us, chunk, shard, topic="obligations"):
    """The three lists of results, as dicts, for all cycles with cycle_end <= watermark."""
    groups = defaultdict(list)
    for x in obligations:
        counts_at = max(x["trade_time"], x["watermark"])
        cycle_end = counts_at - counts_at % cycle_us + cycle_us
        if cycle_end <= watermark:
            groups[cycle_end, x["netting_set"], x["asset"], x["scale"]].append(x)
    positions, chunks, totals = [], [], []
    for group in sorted(groups):
        nets, listed, total = net_group(group, groups[group], cycle_us, chunk)
        positions += [net | {"source_topic": topic, "source_partition": shard} for net in nets]
        chunks += listed
        totals.append(total)
    return positions, chunks, totals


def net_group(group, obligations, cycle_us, chunk):
    cycle_end, netting_set, asset, scale = group
    head = {
        "cycle_end": cycle_end,
        "netting_set": netting_set,
        "asset": asset,
        "scale": scale,
        "cycle_start": cycle_end - cycle_us,
        "version": VERSION,
    }
    cycle_id = f"{netting_set}|{asset}|{scale}|{cycle_end}"
    by_pair = defaultdict(list)
    for x in obligations:
        by_pair[min(x["payer"], x["receiver"]), max(x["payer"], x["receiver"])].append(x)
    bilateral, listed, roots = [], [], {}
    for (a, b), behind in sorted(by_pair.items()):
        behind.sort(key=lambda x: x["offset"])
        net = head | position(cycle_id, "BILATERAL", a, b, behind)
        pieces = [behind[i : i + chunk] for i in range(0, len(behind), chunk)]
        net["chunks"] = len(pieces)
        net["provenance_root"] = roots[a, b] = tree_over([x["leaf"] for x in behind])
        bilateral.append(net)
        listed += [chunk_record(net, i, piece) for i, piece in enumerate(pieces)]
    multilateral = []
    for member in sorted({m for pair in by_pair for m in pair}):
        behind = [x for x in obligations if member in (x["payer"], x["receiver"])]
        net = head | position(cycle_id, "MULTILATERAL", member, "", behind)
        others = sorted(
            (b if a == member else a, pair) for pair in by_pair for a, b in [pair] if member in pair
        )
        net["chunks"] = len(others)
        net["provenance_root"] = tree_over([roots[pair] for _, pair in others])
        multilateral.append(net)
    total = head | cycle_record(cycle_id, obligations, bilateral, multilateral)
    return bilateral + multilateral, listed, total


def position(cycle_id, kind, member, counterparty, behind):
    receives = sum(x["amount"] for x in behind if x["receiver"] == member)
    delivers = sum(x["amount"] for x in behind if x["payer"] == member)
    return {
        "net_id": f"{cycle_id}|{kind}|{member}|{counterparty}",
        "kind": kind,
        "member": member,
        "counterparty": counterparty,
        "receives": receives,
        "delivers": delivers,
        "net": receives - delivers,
        "obligations": len(behind),
        "late": sum(1 for x in behind if x["late"]),
        "first_offset": min(x["offset"] for x in behind),
        "last_offset": max(x["offset"] for x in behind),
    }


def chunk_record(net, number, piece):
    return {
        "chunk_id": f"{net['net_id']}#{number}",
        "net_id": net["net_id"],
        "cycle_end": net["cycle_end"],
        "chunk": number,
        "chunks": net["chunks"],
        "offsets": b"".join(x["offset"].to_bytes(8, "big") for x in piece),
        "leaves": b"".join(x["leaf"] for x in piece),
        "root": net["provenance_root"],
        "version": VERSION,
    }


def cycle_record(cycle_id, obligations, bilateral, multilateral):
    gross = sum(x["amount"] for x in obligations)
    bilateral_net = sum(abs(net["net"]) for net in bilateral)
    multilateral_net = sum(net["net"] for net in multilateral if net["net"] > 0)
    return {
        "cycle_id": cycle_id,
        "members": len(multilateral),
        "obligations": len(obligations),
        "late": sum(1 for x in obligations if x["late"]),
        "gross": gross,
        "bilateral_net": bilateral_net,
        "multilateral_net": multilateral_net,
        "bilateral_efficiency_ppm": 1_000_000 * (gross - bilateral_net) // gross,
        "multilateral_efficiency_ppm": 1_000_000 * (gross - multilateral_net) // gross,
    }
