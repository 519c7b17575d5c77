"""What machine code consists of: its hot loop, and the numbers of instructions on vectors, read from its text.

The text is that of `machine_code.assembly`, for x86-64 or arm64.  Numbers are of instructions in the code, not of those
that run: an inner loop counts once.
"""

import re
from collections import Counter
from dataclasses import dataclass

BLOCK = re.compile(r"^\.?L(BB\d+_\d+):|^\S+ %bb\.\d+:", re.M)
"""First line of a block of instructions; LLVM's comments on its loops follow."""

LOOP = re.compile(r"(Header=|Parent Loop )(BB\d+_\d+) Depth=(\d+)|Loop Header: Depth=(\d+)")
FUNCTION = r"^_?{}:.*?^\.?Lfunc_end\d+:"
SUBROUTINE = "gradient"
"""The function that a tick of the gradient flow calls (flow.py)."""

BYTES = {"zmm": 64, "ymm": 32, "xmm": 16}
ON_VECTORS = re.compile(r"^\t\w+(?:\.\d[ds]\t|\t.*(?:[xyz]mm\d|\bv\d+\.\d[ds]\b|\bq\d))")
KINDS = {
    "fused": r"\tvfn?m|\tfml[as]\b",
    "multiply": r"\tv?mulp|\tfmul\b",
    "add": r"\tv?(?:add|sub)p|\tf(?:add|sub|abd)\b",
    "divide": r"\tv?divp|\tfdiv\b",
    "sqrt": r"\tv?sqrtp|\tfsqrt\b",
    "spills": r"Spill$",
    "reloads": r"Reload$",
    "stores": r"\tv?mov\w+\t%[xyz]mm\d+, .*\(|\tst[pu]?r?\t",
    "loads": r"\(%|\tld[pu]?r?\t|\tld1",
}
"""Kinds of instructions on vectors; one that is of several counts once in each of arithmetic and memory."""


@dataclass(frozen=True)
class Part:
    """A part of machine code: its name, its lines from 1, and its instructions on vectors by kind."""

    name: str
    first: int
    last: int
    width: int
    """Bytes of its widest vectors."""

    counts: Counter[str]


def parts(text: str) -> list[Part]:
    """The loop over ticks and, of the gradient flow, the function that it calls."""
    found = [_part(text, "loop over ticks", *_loop(text))]
    called = re.search(FUNCTION.format(SUBROUTINE), text, re.M | re.S)
    return found + ([_part(text, SUBROUTINE, *called.span())] if called else [])


def _part(text: str, name: str, start: int, end: int) -> Part:
    lines = [line for line in text[start:end].splitlines() if ON_VECTORS.match(line)]
    counts = Counter({"all": len(lines)})
    for line in lines:
        arithmetic, memory = list(KINDS)[:5], list(KINDS)[5:]
        for kinds in (arithmetic, memory):
            counts[next((kind for kind in kinds if re.search(KINDS[kind], line)), "")] += 1
    width = max((BYTES.get(name, 16) for line in lines for name in re.findall(r"[xyz]mm|[vq]\d", line)), default=0)
    return Part(name, text.count("\n", 0, start) + 1, text.count("\n", 0, end), width, counts)


def _loop(text: str) -> tuple[int, int]:
    """Start and end of the outermost loop with the most fused operations, all of it that lies between its blocks."""
    starts = list(BLOCK.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    spans: dict[str, list[tuple[int, int]]] = {}
    outer: dict[str, str] = {}
    for match, end in zip(starts, ends, strict=True):
        if head := _outermost(match[1], text[match.start() : end], outer):
            spans.setdefault(head, []).append((match.start(), end))
    fused = {head: sum(len(re.findall(KINDS["fused"], text[a:b])) for a, b in spans[head]) for head in spans}
    best = spans[max(fused, key=lambda head: fused[head])]
    return best[0][0], best[-1][1]


def _outermost(label: str | None, block: str, outer: dict[str, str]) -> str | None:
    """Label of the outermost loop of a block; `outer` has those of the inner loops before it."""
    for _, head, depth, own in LOOP.findall(block):
        if own == "1" and label:
            return label
        if depth == "1" or head in outer:
            if label:
                outer[label] = outer.get(head, head)
            return outer.get(head, head)
    return None
