# SPDX-License-Identifier: GPL-2.0-only
"""profile.py - DIR PACKETS TOP: by function what profile.c counted, for profile"""
import bisect
import collections
import os
import sys


# They only choose among others: who calls those is who calls them.
WRAPPERS = "memset", "memcpy"


class Profile:
    """Of a cell: instructions by function, and who calls it how often."""

    def __init__(self, directory, n):
        with open(f"{directory}/{n}.name", encoding="utf-8") as file:
            self.name = file.read().strip()
        self.read_symbols(f"{directory}/{n}.symbols")
        self.total = collections.Counter()
        self.callers = collections.defaultdict(collections.Counter)
        with open(f"{directory}/{n}.counts", encoding="utf-8") as file:
            for *addresses, times in map(str.split, file):
                self.count([int(address, 16) for address in addresses], int(times))

    def read_symbols(self, path):
        found = []
        with open(path, encoding="utf-8") as file:
            for address, *name in map(str.split, file):
                found.append((int(address, 16), " ".join(name)))
        found.sort()
        self.addresses = [address for address, name in found]
        self.names = [name for address, name in found]

    def function(self, address):
        """Which it is in, and whether that is where it begins."""
        if address < 1 << 63:
            return "(user)", False
        i = bisect.bisect_right(self.addresses, address) - 1
        return self.names[i], self.addresses[i] == address

    def count(self, addresses, times):
        function, begins = self.function(addresses[-1])
        if len(addresses) == 1:
            self.total[function] += times
            return
        caller = self.function(addresses[0])[0]
        if begins and caller != function:
            self.callers[function][caller] += times

    def called(self, function, packets):
        """Those that call it the most, with calls per packet."""
        callers = self.callers[function].copy()
        for wrapper in WRAPPERS:
            if callers.pop(wrapper, 0):
                callers += self.callers[wrapper]
        some = [(n / packets, caller.removesuffix(" [esplanade]"))
                for caller, n in callers.most_common(6) if n * 20 > packets]
        return ", ".join(f"{n:.3g} {caller}" for n, caller in some)

    def modules(self, packets):
        """What is whose."""
        whose = collections.Counter()
        for function, n in self.total.items():
            module = function.split()[-1]
            whose[module if module[-1] in "])" else "kernel"] += n
        return ", ".join(f"{module.strip('[]()')} {n / packets:,.0f}"
                         for module, n in whose.most_common() if n * 10 > packets)


def main():
    directory, packets, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    cells = []
    while os.path.exists(f"{directory}/{len(cells) + 1}.counts"):
        cells.append(Profile(directory, len(cells) + 1))
    letters = [chr(ord("A") + i) for i in range(len(cells))]
    print("\nInstructions per packet:")
    for letter, cell in zip(letters, cells):
        print(f"  {letter}  {cell.name}: {sum(cell.total.values()) / packets:,.0f}: "
              f"{cell.modules(packets)}")
    for letter, cell in zip(letters, cells):
        print(f"\nMost of {letter}; in brackets its calls per packet, and who calls\n")
        print("".join(map("{:>9}".format, letters)))
        for name in sorted(cell.total, key=lambda x: -cell.total[x])[:most]:
            columns = "".join(f"{c.total[name] / packets:9.1f}" for c in cells)
            print(f"{columns}  {name}  ({cell.called(name, packets)})")


main()
