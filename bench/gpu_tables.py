"""The tables of a record of bench/gpu.py."""

import report


def wrong(bits):
    """Return the cases of which a bit differs or that failed."""
    return [case for case, grids in bits.items() if any(grids.values())]


def text(data):
    """Return the section of the page."""
    parts = [_bits(data.get("bits", {})), *_rates(data), *_blocks(data.get("rates", {})), *_map(data.get("map", {})),
             *_compilation(data.get("compilation", {}))]  # fmt: skip
    failed = [f"{part} ({error})" for part, error in data["failed"].items()]
    for case, rates in data.get("rates", {}).items():
        failed += [f"{case} with {each['registers'] or 'any'} registers, {each['block']} threads in a block"
                   f" ({each['error']})" for each in rates["failed"]]  # fmt: skip
    parts += [f"Failed: {', '.join(failed)}."] * bool(failed)
    parts += [f"Skipped, because the time was up: {', '.join(data['skipped'])}."] * bool(data["skipped"])
    return "\n\n".join(parts)


def _bits(bits):
    others, grids = wrong(bits), sorted({grid for each in bits.values() for grid in each if grid != "failed"})
    if not bits:
        return "No bits were compared."
    equal = f"{len(bits) - len(others)} of {len(bits)}"
    text = f"Cases in which every bit equals the processor's, at grids of {' and '.join(grids)} threads: {equal}."
    return f"{text} The others: {'; '.join(others)}." if others else text


def _best(rates):
    return max(rates, key=lambda each: each["rate"])


def _rates(data):
    """Yield the best throughput of each case with its bound, and of the other libraries."""
    peers = {}
    for library, found in data.get("libraries", {}).items():
        for line in found.get("lines", ()):
            key = f"{line['who']} ({line['device'].partition(':')[0]})"
            peers.setdefault(key, {})
            peers[key][line["case"]] = max(line.get("rate", 0), peers[key].get(line["case"], 0))
        ended = found.get("absent") or found["ended"]
        if ended:
            yield f"{library}: {ended}." if isinstance(ended, str) else f"{library}: ended with code {ended}."
    cases = {case: each for case, each in data.get("rates", {}).items() if each["rates"]}
    rows = []
    for case, found in cases.items():
        best, bound = _best(found["rates"]), found["bound"]
        share = (bound / 1e9, best["rate"] / bound) if bound else ("-", "-")
        ratios = (f"{rate / 1e9:.3g} ({best['rate'] / rate:.1f} x)" if (rate := peer.get(case)) else "-"
                  for peer in peers.values())  # fmt: skip
        rows.append([case, best["rate"] / 1e9, best["registers"] or "any", best["block"], best["used"], best["local"],
                     *share, *ratios])  # fmt: skip
    if rows:
        heads = ["billion network-steps/s", "saddlescape", "registers at most", "threads in a block", "registers used",
                 "bytes of local memory", "bound", "share of the bound", *peers]  # fmt: skip
        yield report.table(heads, rows)


def _blocks(rates):
    """Yield the throughput by registers and threads in a block."""
    blocks = sorted({each["block"] for found in rates.values() for each in found["rates"]})
    rows = []
    for case, found in rates.items():
        for registers in dict.fromkeys(each["registers"] for each in found["rates"]):
            row = {each["block"]: each["rate"] / 1e9 for each in found["rates"] if each["registers"] == registers}
            rows.append([case, registers or "any", *(row.get(block, "-") for block in blocks)])
    if rows:
        heads = (f"{threads} threads in a block" for threads in blocks)
        yield report.table(["billion network-steps/s", "registers at most", *heads], rows)


def _map(sides):
    """Yield the seconds of the maps."""
    rows = []
    for side, found in sides.items():
        gpu, *cores = (found.get(who) for who in ("gpu", "all cores", "two cores"))
        ratios = (f"{seconds:.3g} ({seconds / gpu:.1f} x)" if seconds and gpu else seconds or "-" for seconds in cores)
        rows.append([f"{side} x {side}", gpu or "-", *ratios, {True: "yes", False: "NO", None: "-"}[found.get("same")]])
    if rows:
        heads = ["figure 11, from spec to result, seconds", "GPU", "all cores", "two cores", "same bytes"]
        yield report.table(heads, rows)


def _compilation(found):
    """Yield the seconds of compilation."""
    if "ptx" in found:
        yield report.table(["PTX of a variant", *found["ptx"]], [["seconds", *found["ptx"].values()]])
    if "driver" in found:
        yield report.table(["compilation by the driver", *found["driver"]], [["seconds", *found["driver"].values()]])
