"""The figures counted again in the plainest way, from moments in seconds: no code is shared."""

from statistics import mean, median

WEEK = 7 * 86_400


def spread(values):
    values = sorted(max(v, 0.0) for v in values)
    if not values:
        return None
    # The smallest value that at least nine tenths of all do not exceed.
    p90 = next(v for v in values if sum(o <= v for o in values) * 10 >= 9 * len(values))
    return len(values), mean(values), median(values), p90


def mended(began, until, moves, repairs):
    """`moves` are (second, author); `repairs` are (second, by, done, alone)."""
    best, who = None, "itself"
    for at, by in [
        *((at, by) for at, by, done, alone in repairs if done and not alone),
        *((at, "person") for at, author in moves if author == "person"),
    ]:
        if at < began or (until is not None and at > until):
            continue
        if best is None or at > best:
            best, who = at, by
    return who


def resolutions(incidents, now, is_bad):
    """`incidents` are (cause, [(began, resolved, by)]); returns by -> [good, of, too soon]."""
    found = {by: [0, 0, 0] for by in ("agent", "person", "itself")}
    for index, (_, episodes) in enumerate(incidents):
        for began, resolved, by in episodes:
            if resolved is None:
                continue
            if now - resolved < WEEK:
                found[by][2] += 1
            else:
                found[by][1] += 1
                found[by][0] += is_bad(index, began, resolved)
    return found


def reopened(incidents, now):
    def bad(index, began, resolved):
        later = [b for b, *_ in incidents[index][1] if b > resolved]
        return any(b - resolved <= WEEK for b in later)

    return resolutions(incidents, now, bad)


def came_back(incidents, now):
    def bad(index, began, resolved):
        cause = incidents[index][0]
        starts = [b for c, episodes in incidents if c == cause for b, *_ in episodes]
        return any(0 < b - resolved <= WEEK for b in starts)

    return resolutions(incidents, now, bad)


def success(changes, incidents, now):
    """`changes` are (by, cis, began, ended, until, ok, solves, follows).

    `incidents` are ref -> (cis, [began]).
    """
    found = {by: [0, 0, 0] for by in ("agent", "person", "itself")}
    for by, cis, began, ended, until, ok, solves, follows in changes:
        harm = bool(follows & incidents.keys())
        for ref, (its, starts) in incidents.items():
            if not cis & its:
                continue
            for nth, at in enumerate(starts):
                if ref in solves and (nth == 0 or at <= ended):
                    continue
                harm |= began < at <= until
        if until > now:
            found[by][2] += 1
        else:
            found[by][1] += 1
            found[by][0] += ok and not harm
    return found
