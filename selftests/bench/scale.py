# SPDX-License-Identifier: GPL-2.0-only
"""scale.py - tables and verdicts from what scale.sh printed

  scale.py --commit C --date D --qemu Q --docs DIR [--write] KERNEL-SEED.log...

With --write puts them into DIR/scale.json and DIR/performance.rst. Fails where something
required is not met.
"""
import argparse
import json
import os
import re
import sys

from report import number, put_between, ratio, table

STACKS = "esplanade", "xfrm"
VARIANTS = {"": "", "-pair": ", between two gateways",
            "-ports": ", of two prefixes", "-conntrack": ", with conntrack"}
LOADED = "sas", "policies"


def read(path):
    """{"release", "seed", "cells": {"STACK N NAME": value}}"""
    entry = {"seed": int(re.fullmatch(r".*-(\d+)\.log", os.path.basename(path))[1]),
             "cells": {}}
    with open(path, encoding="utf-8") as log:
        for words in map(str.split, log):
            if words[:1] == ["release"]:
                entry["release"] = words[1]
            elif words[:1] == ["scale"]:
                entry["cells"][" ".join(words[1:-1])] = float(words[-1])
    return entry


class Figures:
    """What was measured on a kernel."""

    def __init__(self, entry):
        self.cells = entry["cells"]
        self.sizes = sorted({int(name.split()[1]) for name in self.cells})

    def get(self, stack, n, name):
        """Of a STACK[-VARIANT]."""
        return self.cells.get(f"{stack} {n} {name}")

    def both(self, stack, n, name):
        """Of SAs and policies together."""
        parts = [self.get(stack, n, name.format(what)) for what in LOADED]
        return None if None in parts else sum(parts)


def grown(name, variant=""):
    """Esplanade's from the fewest to the most that were measured."""
    def of(f):
        stack = f"esplanade{variant}"
        sizes = [n for n in f.sizes if f.get(stack, n, name) is not None]
        return ratio(f.get(stack, max(sizes), name), f.get(stack, min(sizes), name)) \
            if sizes else None
    return of


def loading(name, n):
    return lambda f: ratio(f.both("esplanade", n, name), f.both("xfrm", n, "load-{}-s"))


def each(name, n, few, variant=""):
    """What one of n costs to one of few."""
    def of(f):
        one, other = (f.both(f"esplanade{variant}", size, name) for size in (n, few))
        return None if one is None or other is None else ratio(one / n, other / few)
    return of


def conntrack(n):
    return lambda f: ratio(f.get("esplanade-conntrack", n, "load-policies-s"),
                           f.get("xfrm-conntrack", n, "load-policies-s"))


# What is required: of what, at most. At first what issues say, then what follows from it.
REQUIRED = (
    ("a packet of a warm flow, the most policies to the fewest", grown("warm"), 1.1),
    ("a packet of a cold flow, the most policies to the fewest", grown("cold"), 2.0),
    ("loading 10,000 by setkey -f, to ip -batch", loading("load-{}-s", 10000), 0.5),
    ("loading 10,000 by setkey -t -f, to ip -batch", loading("load-t-{}-s", 10000), 0.5),
    ("loading one of 100,000 by setkey -f, to one of 10,000",
     each("load-{}-s", 100000, 10000), 1.5),
    ("loading one of 100,000 by setkey -t -f, to one of 10,000",
     each("load-t-{}-s", 100000, 10000), 1.5),
    ("deleting one of 100,000, to one of 10,000", each("delete-{}-s", 100000, 10000), 1.5),
    ("a packet of a cold flow, between two gateways, the same", grown("cold", "-pair"), 2.0),
    ("a packet of a cold flow, of two prefixes, the same", grown("cold", "-ports"), 2.0),
    ("loading one of 10,000 by setkey -f, of two prefixes, to one of 1,000",
     each("load-{}-s", 10000, 1000, "-ports"), 1.5),
    ("loading 10,000 policies with conntrack, to ip -batch", conntrack(10000), 0.5),
)

PACKETS = (("a warm flow", "warm"), ("cold flows", "cold"), ("16 warm flows", "some"),
           ("16 warm flows, after a policy came", "changed"))
TIMES = (("load {}, setkey -f or ip -batch", "load-{}-s"), ("load {}, setkey -t", "load-t-{}-s"),
         ("dump {}", "dump-{}-s"), ("delete {}", "delete-{}-s"), ("flush {}", "flush-{}-s"))
MEMORY = (("{}, octets each", "{}-octets"),)


def requirements(kernels):
    rows, missed = [], []
    for name, of, most in REQUIRED:
        row = [name, f"{most:g}"]
        for kernel, entry in kernels.items():
            got = of(Figures(entry))
            row.append(None if got is None else f"{got:.2f} {'met' if got <= most else 'NOT'}")
            if got is not None and got > most:
                missed.append(f"NOT MET on {kernel}: {name}: {got:.2f}, at most {most:g}")
        rows.append(row)
    return table(["ratio", "at most", *kernels], rows), missed


def by_size(figures, variant, what, rows, form):
    """A row for each with a column for each size: ours / xfrm's; nothing without rows."""
    def cell(name, n):
        both = [form(figures.get(stack + variant, n, name), n) for stack in STACKS]
        return None if both == [None, None] else " / ".join(x or "-" for x in both)

    sizes = [n for n in figures.sizes if any(cell(name, n) for _, name in rows)]
    out = [[text, *(cell(name, n) for n in sizes)] for text, name in rows
           if any(cell(name, n) for n in sizes)]
    return [table([what + VARIANTS[variant], *(f"{n:,}" for n in sizes)], out)] if out else []


def twice(rows):
    return [(text.format(what if what != "sas" else "SAs"), name.format(what))
            for text, name in rows for what in LOADED]


def tables(made, kernels):
    required, missed = requirements(kernels)
    parts = [
        f"Commit {made['commit']}, {made['date']}, QEMU {made['qemu']}; " + "; ".join(
            f"Linux {entry['release']}, seed {entry['seed']}" for entry in kernels.values()) + ".",
        "", "What is required, and what was measured:", "", required]
    for kernel, entry in kernels.items():
        figures = Figures(entry)
        parts.append(f"On {kernel}, of N policies and SAs: Esplanade / xfrm\n")
        for variant in VARIANTS:
            parts += by_size(figures, variant, "instructions per packet", PACKETS,
                             lambda x, n: number(x))
            parts += by_size(figures, variant, "thousand instructions each", twice(TIMES),
                             lambda x, n: None if x is None or n < 1000 else
                             f"{x * 1e6 / n:.1f}")
            parts += by_size(figures, variant, "memory", twice(MEMORY),
                             lambda x, n: None if n < 1000 else number(x))
    return "\n".join(parts), missed


def main():
    parser = argparse.ArgumentParser()
    for option in "commit", "date", "qemu", "docs":
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("logs", nargs="+")
    args = parser.parse_args()
    kernels = {os.path.basename(path).rsplit("-", 1)[0]: read(path) for path in args.logs}
    made = {"commit": args.commit, "date": args.date, "qemu": args.qemu}
    text, missed = tables(made, kernels)
    print(text)
    if missed:
        print("\n".join(missed))
    if args.write:
        with open(os.path.join(args.docs, "scale.json"), "w", encoding="utf-8") as file:
            json.dump({"made": made, "kernels": kernels}, file, indent=1)
            file.write("\n")
        put_between(os.path.join(args.docs, "performance.rst"), "scale", text)
    if missed:
        sys.exit(1)


main()
