# SPDX-License-Identifier: GPL-2.0-only
"""report.py - tables, figures and verdicts from what guest.sh printed

  report.py --commit C --date D --qemu Q --docs DIR [--write|--compare] KERNEL-SEED.log...

Of several seeds the median counts. Prints the tables; with --write puts them into
DIR/performance.{json,svg,rst}; with --compare fails where Esplanade is more than 3 %
worse than performance.json says.
"""
import argparse
import json
import os
import re
import statistics
import sys

WORSE = 1.03
STACKS = "plain", "loaded", "esplanade", "xfrm", "offload", "wireguard"
ALGS = {"gcm128": "AES-GCM-128", "chacha": "ChaCha20-Poly1305",
        "cbc128-sha256": "AES-CBC-128, SHA-256", "gmac128": "no cipher"}
KINDS = {"udp-64": "UDP 64", "udp-1400": "UDP 1400", "batch-64": "UDP 64, 32 at once",
         "batch-1400": "UDP 1400, 32 at once", "tcp": "TCP", "tcp+gro": "TCP, GRO",
         "new": "TCP, new", "new+gro": "TCP, new, GRO",
         "tcp-tso": "TCP, no TSO", "tcp-tso+gro": "TCP, no TSO, GRO"}
# Differs by some per cent from seed to seed.
UNSTEADY = "new", "new+gro"
# The one that the requirements are about.
MAIN = "tunnel gcm128 local 4"
NULL = "tunnel gmac128 local 4"
ROWS = [f"tunnel gcm128 {where} {family}" for where in ("local", "forwarded") for family in "46"]


def read(paths):
    """{kernel: {"release", "seeds", "cells": {"STACK MODE ALG WHERE FAMILY KIND": median},
    "raw": {"ALG OCTETS": median}, "fewer": how many of them lack a seed}}"""
    kernels = {}
    for path in paths:
        kernel, seed = re.fullmatch(r"(.*)-(\d+)\.log", os.path.basename(path)).groups()
        entry = kernels.setdefault(kernel, {"seeds": [], "cells": {}, "raw": {}})
        entry["seeds"].append(int(seed))
        with open(path, encoding="utf-8") as log:
            for words in map(str.split, log):
                if words[:1] == ["release"]:
                    entry["release"] = words[1]
                elif words[:1] in (["cell"], ["raw"]):
                    part = entry["cells" if words[0] == "cell" else "raw"]
                    part.setdefault(" ".join(words[1:-1]), []).append(float(words[-1]))
    for entry in kernels.values():
        entry["fewer"] = 0
        for part in entry["cells"], entry["raw"]:
            for name, values in part.items():
                entry["fewer"] += len(values) < len(entry["seeds"])
                part[name] = round(statistics.median(values), 1)
    return kernels


def octets(mode, family, kind):
    """What the cipher gets to see of a packet."""
    inner = 0 if mode == "transport" else 20 if family == "4" else 40
    if kind.startswith(("tcp", "new")):
        return inner + 32 + 1400
    return inner + 8 + int(kind.split("-")[1])


class Figures:
    """What was measured on a kernel, by what one wants to know."""

    def __init__(self, entry):
        self.cells = entry["cells"]
        self.raw = entry["raw"]

    def cell(self, stack, row, kind):
        mode, alg, where, family = row.split()
        if stack in ("plain", "loaded", "wireguard"):
            row = f"- - {where} {family}"
        if stack == "limit":
            plain = self.cell("plain", row, kind)
            raw = 0 if alg == "gmac128" else self.raw.get(f"{alg} {octets(mode, family, kind)}")
            return None if plain is None or raw is None else plain + raw
        if stack == "best":
            both = [self.cell(name, row, kind) for name in ("xfrm", "offload")]
            return min((x for x in both if x is not None), default=None)
        return self.cells.get(f"{stack} {row} {kind}")

    def rows(self):
        """The rows of Esplanade's cells, in order, and the kinds there are."""
        rows, kinds = [], []
        for name in self.cells:
            stack, *row, kind = name.split()
            if stack == "esplanade":
                if " ".join(row) not in rows:
                    rows.append(" ".join(row))
                if kind not in kinds:
                    kinds.append(kind)
        return rows, [kind for kind in KINDS if kind in kinds]


def ratio(a, b):
    return None if a is None or not b else a / b


def path_cost(kind):
    def of(figures):
        def cost(stack):
            cell, plain = figures.cell(stack, NULL, kind), figures.cell("plain", NULL, kind)
            return None if cell is None or plain is None else cell - plain
        return ratio(cost("esplanade"), cost("best"))
    return of


def against(stack, kind, ours="esplanade"):
    return lambda figures: ratio(figures.cell(ours, MAIN, kind), figures.cell(stack, MAIN, kind))


def loaded(figures):
    every = [ratio(figures.cell("loaded", row, kind), figures.cell("plain", row, kind))
             for row in ROWS for kind in KINDS if kind not in UNSTEADY]
    return max((x for x in every if x is not None), default=None)


def worst(figures):
    """What the worst cell of the whole table is to xfrm."""
    rows, kinds = figures.rows()
    kinds = [kind for kind in kinds if kind not in UNSTEADY]
    every = [(ratio(figures.cell("esplanade", row, kind), figures.cell("best", row, kind)),
              row, kind) for row in rows for kind in kinds]
    every = [x for x in every if x[0] is not None]
    return max(every, default=(None,))[0]


# What is required: of what, at most, and on 6.1 where that is something else.
REQUIRED = (
    ("UDP 1400, path (no cipher, less plain), to xfrm's", path_cost("udp-1400"), 0.35),
    ("UDP 64, path, to xfrm's", path_cost("udp-64"), 0.27),
    ("UDP 1400, to xfrm", against("best", "udp-1400"), 0.80),
    ("UDP 1400, to plain and raw AEAD", against("limit", "udp-1400"), 1.17),
    ("UDP 64, to xfrm", against("best", "udp-64"), 0.72),
    ("TCP, to xfrm", against("best", "tcp"), 0.66, 0.45),
    ("TCP, GRO on, to xfrm", against("best", "tcp+gro"), 0.75, 0.45),
    ("TCP, new streams, to xfrm", against("best", "new"), 0.66, 0.45),
    ("TCP, new streams, GRO on, to xfrm", against("best", "new+gro"), 0.75, 0.45),
    ("UDP 1400, to WireGuard", against("wireguard", "udp-1400"), 0.40),
    ("UDP 1400, 32 at once, to WireGuard", against("wireguard", "batch-1400"), 0.52),
    ("TCP, to WireGuard", against("wireguard", "tcp"), 0.48),
    ("TCP, new streams, to WireGuard", against("wireguard", "new"), 0.48),
    ("plain, module loaded, to without it: the worst cell", loaded, 1.005),
    ("the worst cell of the whole table, to xfrm", worst, 1.0),
)


def table(head, rows):
    """A simple table, which is plain text and reStructuredText."""
    rows = [["" if x is None else str(x) for x in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    rule = " ".join("=" * w for w in widths)

    def line(row):
        cells = [row[0].ljust(widths[0])]
        cells += [x.rjust(w) for x, w in zip(row[1:], widths[1:])]
        return " ".join(cells).rstrip()
    # An empty first column would be a continuation line.
    return "\n".join([rule, line(head), rule, *map(line, rows), rule]) + "\n"


def number(x):
    return None if x is None else f"{x:,.0f}"


def to(x):
    return None if x is None else f"{x:.2f}"


def requirements(kernels):
    rows = []
    for name, of, most, *on_61 in REQUIRED:
        row = [name, f"{most:g}" + (f" ({on_61[0]:g})" if on_61 else "")]
        for kernel, entry in kernels.items():
            limit = on_61[0] if on_61 and kernel == "6.1" else most
            got = of(Figures(entry))
            digits = 3 if limit > 1 and limit < 1.1 else 2
            row.append(None if got is None else
                       f"{got:.{digits}f} {'met' if got <= limit else 'NOT'}")
        rows.append(row)
    return table(["ratio", "at most (on 6.1)", *kernels], rows)


def main_table(kernels):
    rows = []
    for kernel, entry in kernels.items():
        figures = Figures(entry)
        for kind in figures.rows()[1]:
            ours = figures.cell("esplanade", MAIN, kind)
            row = [f"{kernel} {KINDS[kind]}"]
            row += [number(figures.cell(stack, MAIN, kind)) for stack in
                    ("plain", "limit", "esplanade", "xfrm", "offload", "wireguard")]
            row += [to(ratio(ours, figures.cell(stack, MAIN, kind)))
                    for stack in ("limit", "best", "wireguard")]
            rows.append(row)
    return table(["kernel and traffic", "plain", "limit", "Esplanade", "xfrm", "offload",
                  "WireGuard", "/limit", "/xfrm", "/WireGuard"], rows)


def whole_table(entry):
    """Each cell: instructions, and what they are to xfrm's best."""
    figures = Figures(entry)
    rows, kinds = figures.rows()
    out = []
    for row in rows:
        mode, alg, where, family = row.split()
        line = [f"{ALGS[alg]}, {mode}, {where}, IPv{family}"]
        for kind in kinds:
            ours = figures.cell("esplanade", row, kind)
            part = ratio(ours, figures.cell("best", row, kind))
            line.append(None if ours is None else
                        f"{ours / 1000:.1f}" + (f" ({part:.2f})" if part else ""))
        out.append(line)
    return table(["thousands (to xfrm)", *kinds], out)


def raw_table(kernels):
    names = sorted({name for entry in kernels.values() for name in entry["raw"]},
                   key=lambda name: (list(ALGS).index(name.split()[0]), int(name.split()[1])))
    rows = [[f"{ALGS[name.split()[0]]}, {name.split()[1]} octets",
             *(number(entry["raw"].get(name)) for entry in kernels.values())] for name in names]
    return table(["sealed and opened", *kernels], rows)


def bars(kernels):
    """An SVG: for each kernel and kind a bar for each stack."""
    shown = {"plain": "#b8b8b8", "limit": "#8a8a8a", "esplanade": "#1b7837", "best": "#d6604d",
             "wireguard": "#4393c3"}
    names = {"best": "xfrm, the better", "limit": "plain + raw AEAD", "esplanade": "Esplanade",
             "wireguard": "WireGuard"}
    kinds = [kind for kind in ("udp-64", "udp-1400", "tcp", "tcp+gro")
             if any(kind in Figures(e).rows()[1] for e in kernels.values())]
    bar, gap, height, left, top = 12, 26, 260, 56, 56
    group = bar * len(shown) + gap
    width = left + group * len(kernels) * len(kinds) + 30 * len(kinds)
    values = [(ki, kj, si, Figures(entry).cell(stack, MAIN, kind))
              for ki, kind in enumerate(kinds) for kj, entry in enumerate(kernels.values())
              for si, stack in enumerate(shown)]
    most = max((v[3] for v in values if v[3]), default=1)
    scale = height / most
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + height + 60}"'
           ' font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{left}" y="18" font-size="14">Instructions per packet of 64 or 1400 octets, '
           'both ends, AES-GCM-128 tunnel, IPv4</text>']
    for i, (stack, colour) in enumerate(shown.items()):
        x = left + i * 130
        out += [f'<rect x="{x}" y="28" width="10" height="10" fill="{colour}"/>',
                f'<text x="{x + 14}" y="37">{names.get(stack, stack)}</text>']
    for tick in range(0, int(most) + 1, 10000):
        y = top + height - tick * scale
        out += [f'<line x1="{left - 4}" x2="{width - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>',
                f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick // 1000} k</text>']
    for ki, kj, si, value in values:
        if value is None:
            continue
        x = left + ki * (group * len(kernels) + 30) + kj * group + si * bar + gap / 2
        out.append(f'<rect x="{x:.1f}" y="{top + height - value * scale:.1f}" width="{bar - 1}" '
                   f'height="{value * scale:.1f}" fill="{list(shown.values())[si]}">'
                   f'<title>{list(shown)[si]}: {value:,.0f}</title></rect>')
    for ki, kind in enumerate(kinds):
        begin = left + ki * (group * len(kernels) + 30)
        for kj, kernel in enumerate(kernels):
            out.append(f'<text x="{begin + kj * group + group / 2:.1f}" y="{top + height + 16}" '
                       f'text-anchor="middle">{kernel}</text>')
        out.append(f'<text x="{begin + group * len(kernels) / 2:.1f}" y="{top + height + 36}" '
                   f'text-anchor="middle" font-size="13">{KINDS[kind]}</text>')
    return "\n".join(out) + "\n</svg>\n"


def tables(made, kernels):
    seeds = {kernel: entry["seeds"] for kernel, entry in kernels.items()}
    whole = [f"On {kernel}\n\n{whole_table(entry)}" for kernel, entry in kernels.items()]
    return "\n".join([
        f"Commit {made['commit']}, {made['date']}, QEMU {made['qemu']}; " + "; ".join(
            f"Linux {entry['release']}, seeds {', '.join(map(str, sorted(seeds[kernel])))}"
            + (f" ({entry['fewer']} figures of fewer seeds)" if entry["fewer"] else "")
            for kernel, entry in kernels.items()) + ".", "",
        "What is required, and what was measured:", "", requirements(kernels),
        "AES-GCM-128, tunnel, between two hosts, IPv4:", "", main_table(kernels),
        "The cipher alone:", "", raw_table(kernels), *whole])


def compare(kernels, path):
    """Esplanade's figures now to those committed, which move as the limit has moved: with
    another version of a kernel plain packets and ciphers are others, too."""
    try:
        with open(path, encoding="utf-8") as file:
            old = json.load(file)["kernels"]
    except OSError:
        sys.exit(f"report: there is no {path} to compare with")
    compared, worse = 0, []
    for kernel, entry in kernels.items():
        now, then = Figures(entry), Figures(old.get(kernel, {"cells": {}, "raw": {}}))
        for name, value in entry["cells"].items():
            stack, *row, kind = name.split()
            row = " ".join(row)
            before = then.cells.get(name)
            limit = "limit" if stack == "esplanade" else "plain"
            moved = ratio(now.cell(limit, row, kind), then.cell(limit, row, kind))
            if stack not in ("esplanade", "loaded") or kind in UNSTEADY or \
               before is None or moved is None:
                continue
            compared += 1
            if value > before * moved * WORSE:
                worse.append(f"WORSE {kernel} {name}: {value:,.0f}, was {before:,.0f}, "
                             f"+{100 * (value / before / moved - 1):.1f} %")
    print("\n".join(worse))
    print(f"{compared} figures compared with {os.path.basename(path)}, {len(worse)} worse")
    if worse or not compared:
        sys.exit(1)


def put_between(path, name, text):
    """Replace what is between the two marks of that name in performance.rst."""
    with open(path, encoding="utf-8") as file:
        parts = re.split(rf"(?m)^(\.\. {name}: (?:begin|end)\n)", file.read())
    if len(parts) != 5:
        sys.exit(f"report: {path} does not have its two marks")
    parts[2] = f"\n{text}\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(parts))


def main():
    parser = argparse.ArgumentParser()
    for option in "commit", "date", "qemu", "docs":
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("logs", nargs="+")
    args = parser.parse_args()
    kernels = read(args.logs)
    made = {"commit": args.commit, "date": args.date, "qemu": args.qemu}
    text = tables(made, kernels)
    base = os.path.join(args.docs, "performance")
    print(text)
    if args.write:
        with open(f"{base}.json", "w", encoding="utf-8") as file:
            json.dump({"made": made, "kernels": kernels}, file, indent=1)
            file.write("\n")
        with open(f"{base}.svg", "w", encoding="utf-8") as file:
            file.write(bars(kernels))
        put_between(f"{base}.rst", "bench", text)
    if args.compare:
        compare(kernels, f"{base}.json")


if __name__ == "__main__":
    main()
