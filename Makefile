# SPDX-License-Identifier: GPL-2.0-only
#
# make            the module for the running kernel, and the tools
# make demo       the main job in a virtual machine, with a transcript
# make check      every test: on the host, then in virtual machines
# make check-kernels  the network tests on 6.1, 6.12 and 7.2; or TESTS='net/NAME ...'
# make check-sanitized  all of them, or TESTS, in a kernel that looks for bugs
# make fuzz-kernel  the module fuzzed in that kernel, SECONDS=60 each
# make coverage   which lines of the module that and the network tests reach
# make bench      what packets cost, beside xfrm and WireGuard; an hour
# make bench-short  some of it, in two minutes: is anything worse than it was
# make bench-smoke  by the clock, on two processors; only warns
# make bench-scale  what 10 to 100,000 policies and SAs cost; ten minutes
# make soak       an hour: load, forged packets, namespaces and loads by the thousand
# make prove      what holds for every input, by a model checker
# make rfc-map    every test, and Documentation/rfc-map.rst made of what they said
# make install    module and tools; then: modprobe esplanade
# make uninstall  undo that
#
# demo and check install what they need with apt, and touch nothing else of the
# machine: no module is loaded here.

KVER	?= $(shell uname -r)
KDIR	?= /lib/modules/$(KVER)/build
PREFIX	?= /usr
DESTDIR	?=

all: module tools

module: $(KDIR)/Makefile
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

$(KDIR)/Makefile:
	@echo "No headers of kernel $(KVER) at $(KDIR)." >&2
	@echo "On Debian: apt-get install linux-headers-$(KVER)" >&2
	@false

tools:
	$(MAKE) -C tools/setkey

demo:
	tools/deps
	tools/demo/run

check:
	tools/deps
	selftests/run

KERNELS	?= 6.1 6.12 7.2

check-kernels:
	tools/deps
	selftests/run --kernel $(KERNELS) $(or $(TESTS),net fault)

check-sanitized:
	tools/deps vm fuzz
	selftests/run --kernel sanitized $(or $(TESTS),alive fuzz-kernel fault net)

SECONDS	?= 60

fuzz-kernel:
	tools/deps vm fuzz
	selftests/fuzz/kernel/run.sh -t $(SECONDS)

coverage:
	tools/deps vm fuzz
	selftests/run --kernel sanitized --coverage fuzz-kernel net

prove:
	tools/deps vm
	selftests/prove/run.sh

bench:
	tools/deps vm
	selftests/bench/run

bench-short:
	tools/deps vm
	selftests/bench/run --short

bench-smoke:
	tools/deps vm
	selftests/bench/smoke

bench-scale:
	tools/deps vm
	selftests/bench/scale

soak:
	tools/deps vm
	selftests/soak/run.sh

rfc-map:
	tools/deps
	results=$$(mktemp -d) && \
		ESPLANADE_RESULTS=$$results selftests/run unit net && \
		selftests/cases table $$results >Documentation/rfc-map.rst

install: module tools
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) modules_install
	$(MAKE) -C tools/setkey install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	install -D -m 644 tools/esplanade.conf \
		$(DESTDIR)/etc/modprobe.d/esplanade.conf
	$(if $(DESTDIR),,depmod -a $(KVER))

uninstall:
	rm -f $(DESTDIR)/lib/modules/$(KVER)/*/esplanade.ko* \
		$(DESTDIR)/etc/modprobe.d/esplanade.conf \
		$(DESTDIR)$(PREFIX)/sbin/setkey \
		$(DESTDIR)$(PREFIX)/share/man/man8/setkey.8 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/setkey
	$(if $(DESTDIR),,depmod -a $(KVER))

clean:
	$(MAKE) -C tools/setkey clean
	[ ! -e $(KDIR)/Makefile ] || $(MAKE) -C $(KDIR) M=$(CURDIR) clean

.PHONY: all module tools demo check check-kernels check-sanitized fuzz-kernel coverage bench bench-short bench-smoke bench-scale soak prove rfc-map install uninstall clean
