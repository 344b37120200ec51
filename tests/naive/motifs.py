"""Motifs by their definitions, in plain loops over all edges: slow, unbounded, nothing shared."""


def in_window(edges, last, window, new_only):
    """The edges up to and with `last` that count, and whether `last` itself does."""
    since = last["at"] - window
    found = [e for e in edges if e["number"] <= last["number"] and e["at"] > since]
    return [e for e in found if e["since"] > since] if new_only else found


def numbers(edges):
    return frozenset(e["number"] for e in edges)


def fan(edges, last, params, hub, other):
    new = [e for e in in_window(edges, last, params.window, params.new_only) if e[hub] == last[hub]]
    if last not in new:
        return []
    count = len({e[other] for e in new})
    if count < params.threshold:
        return []
    if params.new_only:
        before = max(0, last["paying" if hub == "source" else "paid"] - count)
        age_s = max(0, last["at"] - params.window - last[f"{hub}_first"]) // 1_000_000
        if count * age_s * 1_000_000 < params.burst_ppm * before * params.window_s:
            return []
    return [(last[hub], count, sum(e["amount"] for e in new), numbers(new))]


def fan_in(edges, last, params):
    return fan(edges, last, params, "target", "source")


def fan_out(edges, last, params):
    return fan(edges, last, params, "source", "target")


def gather_scatter(edges, last, params):
    counting = in_window(edges, last, params.window, params.new_only)
    if last not in counting:
        return []
    hub = last["source"]
    at_hub = [e for e in counting if hub in (e["source"], e["target"])]
    best, ins_of_best, outs_of_best = (0, 0), [], []
    for split in at_hub:
        ins = [e for e in at_hub if e["target"] == hub and e["number"] <= split["number"]]
        outs = [e for e in at_hub if e["source"] == hub and e["number"] > split["number"]]
        sources, targets = len({e["source"] for e in ins}), len({e["target"] for e in outs})
        worth = (min(sources, targets), sources + targets)
        if worth > best:
            best, ins_of_best, outs_of_best = worth, ins, outs
    size, ins, outs = best[0], ins_of_best, outs_of_best
    if size < params.threshold:
        return []
    came, went = sum(e["amount"] for e in ins), sum(e["amount"] for e in outs)
    if went < came * params.passed_ppm // 1_000_000:
        return []
    return [(hub, size, came, numbers(ins + outs))]


def scatter_gather(edges, last, params):
    counting = in_window(edges, last, params.window, params.new_only)
    found = []
    target = last["target"]
    for source in sorted({e["source"] for e in counting} - {target, last["source"]}):
        ways, came, behind = [], 0, []
        for middle in {e["target"] for e in counting} - {source, target}:
            ins = [e for e in counting if (e["source"], e["target"]) == (source, middle)]
            outs = [e for e in counting if (e["source"], e["target"]) == (middle, target)]
            ins_used = [e for e in ins if any(e["at"] < o["at"] for o in outs)]
            outs_used = [o for o in outs if any(e["at"] < o["at"] for e in ins)]
            paid = sum(e["amount"] for e in ins_used)
            passed = sum(e["amount"] for e in outs_used)
            least = paid * params.passed_ppm // 1_000_000
            if ins_used and least <= passed <= paid + paid * params.rise_ppm // 1_000_000:
                ways.append(middle)
                came += paid
                behind += ins_used + outs_used
        if len(ways) >= params.threshold and last["source"] in ways and last in counting:
            found.append((source, len(ways), came, numbers(behind)))
    return found


def fits(before, then, params):
    fall, rise = before["amount"] - then["amount"], then["amount"] - before["amount"]
    return (
        before["at"] < then["at"]
        and fall * 1_000_000 <= before["amount"] * params.fall_ppm
        and rise * 1_000_000 <= before["amount"] * params.rise_ppm
    )


def chains(counting, chain, params):
    """All chains that end with `chain`, itself included, that go on until a node comes again."""
    yield chain
    if len(chain) == params.longest or chain[0]["source"] == chain[-1]["target"]:
        return
    for before in counting:
        inside = {e["source"] for e in chain}
        joins = before["target"] == chain[0]["source"] and before["source"] not in inside
        if joins and fits(before, chain[0], params):
            yield from chains(counting, [before, *chain], params)


def newest(found):
    """Of chains of equal length the one with the newest hops, the later hops first."""
    return max(found, key=lambda chain: [e["number"] for e in reversed(chain)])


def cycle(edges, last, params):
    counting = in_window(edges, last, params.window, params.new_only)
    if last not in counting:
        return []
    closed = {}
    for chain in chains(counting, [last], params):
        if chain[0]["source"] == last["target"] and len(chain) >= max(2, params.threshold):
            closed.setdefault(len(chain), []).append(chain)
    return [(-1, size, last["amount"], numbers(newest(c))) for size, c in closed.items()]


def walk(edges, last, params):
    counting = in_window(edges, last, params.window, params.new_only)
    if last not in counting:
        return []
    found = [c for c in chains(counting, [last], params) if c[0]["source"] != last["target"]]
    size = max(map(len, found))
    if size < max(2, params.threshold):
        return []
    best = newest([c for c in found if len(c) == size])
    return [(-1, size, last["amount"], numbers(best))]


def core(layer):
    """The greatest part in which all senders and receivers share at least two."""
    while True:
        pairs = {(e["source"], e["target"]) for e in layer}
        kept = [
            e
            for e in layer
            if sum(s == e["source"] for s, _ in pairs) >= 2
            and sum(t == e["target"] for _, t in pairs) >= 2
        ]
        if len(kept) == len(layer):
            return kept
        layer = kept


def layer_of(counting, last):
    senders = {e["source"] for e in counting if e["target"] == last["target"]}
    receivers = {e["target"] for e in counting if e["source"] == last["source"]}
    layer = core([e for e in counting if e["source"] in senders and e["target"] in receivers])
    return layer if last in layer else []


def pairs_of(layer):
    return len({(e["source"], e["target"]) for e in layer})


def inner(layer, everything):
    sides = {e["source"] for e in layer}, {e["target"] for e in layer}
    return bool(sides[0] & sides[1]) or any(
        {e["source"], e["target"]} <= side for side in sides for e in everything
    )


def bipartite(edges, last, params):
    counting = in_window(edges, last, params.window, params.new_only)
    layer = layer_of(counting, last) if last in counting else []
    size = pairs_of(layer)
    if size < params.threshold or inner(layer, in_window(edges, last, params.window, False)):
        return []
    return [(-1, size, sum(e["amount"] for e in layer), numbers(layer))]


def stack(edges, last, params):
    counting = in_window(edges, last, params.window, params.new_only)
    everything = in_window(edges, last, params.window, False)
    second = layer_of(counting, last) if last in counting else []
    begins = {}
    for e in second:
        begins.setdefault(e["source"], e)
    first = [
        e
        for e in counting
        if e["target"] in begins
        and e["number"] < begins[e["target"]]["number"]
        and e["at"] < begins[e["target"]]["at"]
    ]
    while True:
        rows = len(first) + len(second)
        first = core([e for e in first if e["target"] in {o["source"] for o in second}])
        second = core([e for e in second if e["source"] in {o["target"] for o in first}])
        if rows == len(first) + len(second):
            break
    size = pairs_of(first) + pairs_of(second)
    if size < params.threshold or last not in second:
        return []
    if inner(first, everything) or inner(second, everything):
        return []
    if {e["source"] for e in first} & {e["target"] for e in second}:
        return []
    return [(-1, size, sum(e["amount"] for e in first), numbers(first + second))]


def with_relations(edges, memory):
    """The edges with what their ends have been used to; a pause of `memory` ends what went on."""
    begun, seen, habits, out = {}, {}, {}, []
    for edge in edges:
        at, pair = edge["at"], frozenset((edge["source"], edge["target"]))
        new = pair not in seen or at - seen[pair] >= memory
        if new:
            begun[pair] = at
        seen[pair] = at
        for side, kind in (("source", "paying"), ("target", "paid")):
            node = edge[side]
            if node not in habits or at - habits[node]["last"] >= memory:
                habits[node] = {"first": at, "paying": 0, "paid": 0}
            habits[node]["last"] = at
            habits[node][kind] += new
            edge = edge | {kind: habits[node][kind], f"{side}_first": habits[node]["first"]}
        out.append(edge | {"since": begun[pair]})
    return out


def keys(rule, hub, behind):
    """By what a shape is known again, from its edges in order."""
    if rule in ("fan-in", "fan-out", "gather-scatter"):
        return [(rule, hub)]
    if rule == "scatter-gather":
        return [(rule, hub, behind[-1]["target"])]
    if rule == "cycle":
        return [(rule, frozenset(e["source"] for e in behind))]
    if rule == "walk":
        return [(rule, behind[0]["number"])]
    first = {e["source"] for e in behind}
    if rule == "stack":
        first -= {e["target"] for e in behind}
    return [(rule, sender) for sender in sorted(first)]


def reported(edges, searches, closed_after, growth_ppm):
    """(rule, edge, size, edges behind, place of the alert that is amended) of every alert."""
    known, out = {}, []
    for last in edges:
        for rule, search in searches.items():
            for hub, size, _, behind in sorted(search(edges, last), key=lambda one: one[1]):
                behind = [e for e in edges if e["number"] in behind]
                names = keys(rule, hub, behind)
                open_ = [
                    known[n]
                    for n in names
                    if n in known and last["at"] - known[n][3] < closed_after
                ]
                place, first, told, _ = min(open_, key=lambda k: k[1], default=(None,) * 4)
                if place is None:
                    place, first, told = len(out), last["number"], size
                    out.append((rule, last["number"], size, numbers(behind), None))
                elif size * 1_000_000 >= told * growth_ppm or last["late"]:
                    told = max(size, told)
                    out.append((rule, last["number"], size, numbers(behind), place))
                for name in names:
                    known[name] = (place, first, told, last["at"])
    return out
