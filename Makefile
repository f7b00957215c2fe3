# SPDX-License-Identifier: BSD-2-Clause
# obit: `make help` lists what there is to make. Everything made lands under build/.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
SYSCONFDIR ?= /etc
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
DESTDIR  ?=
BUILD    ?= build
SANITIZE ?=
BPF_CFLAGS ?=

CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS  ?= -O2 -g
SANFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) $(SANFLAGS) -Isrc -I. -I$(BUILD)/gen -DOBIT_VERSION='"$(VERSION)"' -pthread -MMD -MP

PKGS_READ   := libzstd zlib jansson
PKGS_RECORD := libbpf libelf
pkg = $(shell pkg-config $(1) $(2))

SRCS  := $(sort $(wildcard src/*/*.c))
OBJS  := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(SRCS))
LIB   := $(BUILD)/libobit.a
OBIT  := $(BUILD)/obit
SKEL  := $(BUILD)/gen/obit.skel.h
MAIN  := $(BUILD)/obj/cmd/main.o

UNIT_SRCS := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BINS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRCS))
SIM_SRCS  := $(sort $(wildcard tests/simulate/*.c))
SIM_OBJS  := $(patsubst tests/simulate/%.c,$(BUILD)/tests/simulate.d/%.o,$(SIM_SRCS))
SIM       := $(BUILD)/tests/simulate
BENCH_OBJS := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench.d/%.o,$(sort $(wildcard tests/bench/*.c)))
DAY_OBJS  := $(filter-out %/rewrite.o %/columns.o,$(BENCH_OBJS))
LIVE_SRCS := $(sort $(wildcard tests/live/*.c))
LIVE_BINS := $(patsubst tests/live/%.c,$(BUILD)/tests/live/%,$(LIVE_SRCS))

.PHONY: bench-store bench-month all help deps run static live-tests check check-kernels deps-kernels check-unit check-sanitize check-live check-store-format check-golden check-export check-screens check-top check-dataset check-budget check-analysis deps-readers check-miscount fuzz golden check-includes check-words format-check lint coverage storm-trial simulate simulate-self-test simulate-long bench bench-quick bench-deps clean install tests man check-man check-completion deb check-deb soak
.DELETE_ON_ERROR:

all: $(OBIT) ## build the program: build/obit

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

deps: ## install what building and testing need, from the distribution (root)
	$(Q)scripts/install-deps.sh

static: ## one file that runs on any supported kernel: build/static/obit
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/static LDFLAGS=-static $(BUILD)/static/obit live-tests

run: ## install what is needed, build, record this host for ten seconds, show who died (root)
	$(Q)scripts/install-deps.sh
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)scripts/demo.sh $(BUILD)

check: ## every test that this machine can run; ends with "N passed, N failed"
	$(Q)scripts/check.sh $(BUILD)

# The parts of `make check`, by themselves.
check-includes: ## does every include point the way the data flows?
	$(Q)scripts/check-includes.sh

check-words: ## are the field's words used?
	$(Q)scripts/check-words.sh

format-check: ## is every file as clang-format has it?
	$(Q)git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bpf/*.[ch]' | xargs clang-format --dry-run -Werror

# Files that include the skeleton or libbpf's macros are libbpf's to judge.
LINT_SRCS := $(filter-out src/kernel/collect%,$(wildcard src/*/*.c))
lint: ## clang-tidy and cppcheck over src: .clang-tidy says what they ask
	$(Q)echo $(LINT_SRCS) | xargs -n 8 -P $$(nproc) sh -c 'clang-tidy --quiet "$$@" -- -std=gnu11 -Isrc -I. -DOBIT_VERSION=\"$(VERSION)\" 2>/dev/null' _
	$(Q)cppcheck -q -j $$(nproc) --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=shiftTooManyBitsSigned -Isrc -I. '-DOBIT_VERSION="$(VERSION)"' $(LINT_SRCS)

coverage: ## branches taken by the unit tests and made-up histories, by folder of src
	$(Q)scripts/coverage.sh $(BUILD)/coverage

check-unit: $(UNIT_BINS) ## the unit tests
	$(Q)scripts/run-tests.sh $(UNIT_BINS)

check-sanitize: ## the unit tests and some histories under ASan + UBSan, and the queue's tests under TSan
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined check-unit
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined SEEDS=20 simulate
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SANITIZE=thread $(BUILD)/tsan/tests/test_queue
	$(Q)scripts/run-tests.sh $(BUILD)/tsan/tests/test_queue

check-live: $(OBIT) $(LIVE_BINS) ## the live tests: obit's records against wait4() (root)
	$(Q)scripts/check-live.sh $(BUILD)

check-store-format: $(OBIT) $(BUILD)/tests/write_store ## obit dump against a reader written from docs/format.md alone
	$(Q)scripts/check-format.sh $(BUILD)

check-golden: $(OBIT) ## stores of every format that there was, against what was written down of them
	$(Q)scripts/check-golden.sh $(BUILD)

FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

# `make fuzz FUZZ_TARGETS="expression wire" FUZZ_RUNS=10000000`; FUZZ_SECONDS= ends each after that time.
fuzz: ## any bytes to whatever reads bytes: FUZZ_TARGETS= FUZZ_RUNS= FUZZ_SECONDS= FUZZ_SEED=
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=$(CLANG) SANITIZE=fuzzer-no-link,address,undefined \
		CFLAGS="-O2 -g" $(BUILD)/fuzz/make_seeds $(FUZZ_TARGETS:%=$(BUILD)/fuzz/fuzz_%)
	$(Q)scripts/fuzz.sh $(BUILD)/fuzz $(FUZZ_TARGETS)

golden: $(OBIT) $(BUILD)/tests/write_golden ## such stores of the present format: GOLDEN=new directory
	$(Q)scripts/make-golden.sh $(BUILD) $(GOLDEN)

check-export: $(OBIT) $(BUILD)/tests/write_store $(BUILD)/tests/write_day $(BUILD)/tests/write_foreign ## obit export against readers of Parquet, CSV and JSON that others wrote
	$(Q)scripts/check-export.sh $(BUILD)

check-screens: $(OBIT) $(BUILD)/tests/write_store ## what terminals of 80, 120 and 200 columns show, by tmux
	$(Q)scripts/check-screens.sh $(BUILD)

check-top: $(OBIT) ## is what obit top shows of an interval what obit dump has of it? (root)
	$(Q)scripts/check-top.sh $(BUILD)

check-dataset: $(OBIT) $(BUILD)/tests/write_store $(BUILD)/tests/write_day ## datasets that are exported to again, stopped, broken and followed
	$(Q)scripts/check-dataset.sh $(BUILD)

check-budget: $(OBIT) $(SIM) $(BUILD)/tests/write_day ## have the paths of events, rows and chunks become dearer? in instructions
	$(Q)scripts/check-budget.sh $(BUILD)

check-analysis: $(OBIT) ## the questions of docs/analysis.md, by obit and by DuckDB, over a store recorded now (root)
	$(Q)scripts/check-analysis.sh $(BUILD)

deps-readers: ## install the readers of Parquet that check-export uses, by npm (root where node is missing)
	$(Q)scripts/install-readers.sh $(BUILD)

check-miscount: $(OBIT) $(LIVE_BINS) ## builds with a broken counter each: verify must notice (root)
	$(Q)scripts/check-miscount.sh $(BUILD)

bench-deps: ## install the peers that the benchmarks compare with, where the distribution has them (root)
	$(Q)apt-get install -y -qq --no-install-recommends libbpf-tools atop sysstat

bench: $(OBIT) $(LIVE_BINS) bench-store ## storms, snapshots and switches under obit and its peers; about 25 minutes (root)
	$(Q)scripts/bench-live.py $(BUILD)
	$(Q)scripts/bench-storm.py $(BUILD)

bench-store: $(OBIT) $(BUILD)/tests/make_day $(BUILD)/tests/columns ## questions to a generated day: obit, obit before columns, DuckDB
	$(Q)scripts/bench-store.py $(BUILD)

bench-month: $(OBIT) $(BUILD)/tests/make_day $(BUILD)/tests/columns ## the same of a generated month, without obit before columns
	$(Q)scripts/bench-store.py $(BUILD) --month --rounds 3

bench-quick: $(OBIT) $(LIVE_BINS) ## one of each (root)
	$(Q)scripts/bench-live.py $(BUILD) --quick
	$(Q)scripts/bench-storm.py $(BUILD) --quick

storm-trial: $(OBIT) $(BUILD)/tests/live/trial ## does the ledger balance with the agent started and stopped in storms? RUNS= SEED= (root)
	$(Q)work=$$(mktemp -d) && $(BUILD)/tests/live/trial $(OBIT) $$work $(or $(RUNS),100) $(or $(SEED),1)

live-tests: $(LIVE_BINS)

deps-kernels: ## install what check-kernels needs (root)
	$(Q)apt-get install -y -qq --no-install-recommends qemu-system-x86 busybox-static cpio crun

check-kernels: ## the live tests on Debian's 5.10, 6.1, 6.12 and 7.2 kernels, under qemu
	$(Q)scripts/check-kernels.sh $(BUILD)

# SEEDS=N histories from seed FIRST on; EVENTS=N makes each so long.
simulate: $(SIM) ## made-up histories against the real ledger and store: SEEDS=N FIRST=seed EVENTS=n
	$(Q)$(SIM) --seeds $(or $(SEEDS),300) --first $(or $(FIRST),1) --events $(or $(EVENTS),0)

simulate-self-test: $(SIM) ## does the simulator notice what is broken on purpose?
	$(Q)$(SIM) --self-test

simulate-long: $(SIM) ## the same, over two million events
	$(Q)$(SIM) --seeds $(or $(SEEDS),200) --first $(or $(FIRST),1000000) --events $(or $(EVENTS),12000)

man: $(BUILD)/man/obit.1 ## a man page for each command, from what it says of itself: build/man

check-man: man ## do the man pages say what --help and the schema say, without a warning?
	$(Q)scripts/check-man.sh $(BUILD)

deb: $(OBIT) man ## a Debian package: build/obit_VERSION_ARCHITECTURE.deb
	$(Q)scripts/make-deb.sh $(BUILD) $(VERSION)

check-deb: $(OBIT) man ## does the package install, record, upgrade, go and leave nothing behind? (root)
	$(Q)scripts/check-deb.sh $(BUILD)

check-completion: $(OBIT) ## does TAB complete commands, options, tables and fields in bash and zsh?
	$(Q)scripts/check-completion.sh $(BUILD)

tests: $(SIM) $(UNIT_BINS) $(LIVE_BINS)

clean: ## remove build/
	$(Q)rm -rf $(BUILD)

install: $(OBIT) man ## install to $(DESTDIR)$(PREFIX)
	$(Q)install -D -m 0755 $(OBIT) $(DESTDIR)$(PREFIX)/bin/obit
	$(Q)install -d $(DESTDIR)$(SYSCONFDIR)
	$(Q)[ -e $(DESTDIR)$(SYSCONFDIR)/obit.conf ] || OBIT_STORE= $(OBIT) record --config none --print-config >$(DESTDIR)$(SYSCONFDIR)/obit.conf
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/man/man1
	$(Q)install -m 0644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	$(Q)install -D -m 0644 packaging/obit.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/obit
	$(Q)install -D -m 0644 packaging/_obit $(DESTDIR)$(ZSHDIR)/_obit
	$(Q)install -D -m 0644 packaging/obit.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/obit.conf
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	$(Q)sed 's|/usr/bin/|$(PREFIX)/bin/|' packaging/obit.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/obit.service

# --- for installing --------------------------------------------------------------------------------------
$(BUILD)/man/obit.1: $(OBIT) scripts/make-man.sh packaging/man.awk packaging/deb/changelog
	$(call say,MAN,$(@D))
	$(Q)scripts/make-man.sh $(OBIT) $(@D)

# --- kernel side -----------------------------------------------------------------------------------------
$(BUILD)/bpf/obit.bpf.o: bpf/obit.bpf.c $(wildcard bpf/*.h) vmlinux/vmlinux.h
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -mcpu=v2 -O2 -g -Wall -Wextra -Wno-unused-parameter -D__TARGET_ARCH_x86 $(BPF_CFLAGS) -I. -Ivmlinux -c $< -o $@

$(SKEL): $(BUILD)/bpf/obit.bpf.o
	$(call say,SKEL,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name obit_bpf > $@

# --- user side -------------------------------------------------------------------------------------------
$(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/kernel/collect*.c)): $(SKEL)

# Loops over whole columns: -O2 leaves them as they are.
$(BUILD)/obj/store/column_%.o $(BUILD)/obj/query/filter.o: ALL_CFLAGS += -O3

$(BUILD)/obj/%.o: src/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(LIB): $(filter-out $(MAIN),$(OBJS))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OBIT): $(MAIN) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -o $@ $(LDFLAGS) $(call pkg,--libs,$(PKGS_RECORD) $(PKGS_READ)) -lm

# Unit tests link without libbpf: what they reach must not need it.
$(BUILD)/tests/%: tests/unit/%.c $(LIB)
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/unit $< $(LIB) -o $@ $(LDFLAGS) $(call pkg,--libs,$(PKGS_READ) cmocka) -lm

$(BUILD)/tests/write_%: tests/format/write_%.c $(LIB)
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< $(LIB) -o $@ $(LDFLAGS) $(call pkg,--libs,$(PKGS_READ)) -lm

$(BUILD)/tests/make_day: $(DAY_OBJS) $(LIB)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -o $@ $(LDFLAGS) $(call pkg,--libs,$(PKGS_READ)) -lm

$(BUILD)/tests/rewrite: $(BUILD)/tests/bench.d/rewrite.o $(LIB)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -o $@ $(LDFLAGS) $(call pkg,--libs,$(PKGS_READ)) -lm

$(BUILD)/tests/columns: $(BUILD)/tests/bench.d/columns.o $(LIB)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -o $@ $(LDFLAGS) $(call pkg,--libs,$(PKGS_READ)) -lm

$(BUILD)/tests/bench.d/%.o: tests/bench/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# libFuzzer is clang's: the whole of it is built once more, by clang.
$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(LIB)
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $< $(LIB) -fsanitize=fuzzer -o $@ $(call pkg,--libs,$(PKGS_READ)) -lm

$(BUILD)/make_seeds: tests/fuzz/make_seeds.c $(LIB)
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $< $(LIB) -o $@ $(call pkg,--libs,$(PKGS_READ)) -lm

# Unit tests' ways of making stores are made with cmocka's checks.
$(BUILD)/tests/write_golden: tests/golden/write_golden.c $(LIB)
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< $(LIB) -o $@ $(LDFLAGS) $(call pkg,--libs,$(PKGS_READ) cmocka) -lm

$(BUILD)/tests/live/%: tests/live/%.c
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -o $@ $(LDFLAGS)

$(BUILD)/tests/simulate.d/%.o: tests/simulate/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(SIM): $(SIM_OBJS) $(LIB)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -o $@ $(LDFLAGS) $(call pkg,--libs,$(PKGS_READ)) -lm

-include $(BUILD)/tests/write_golden.d $(OBJS:.o=.d) $(SIM_OBJS:.o=.d) $(BENCH_OBJS:.o=.d) $(UNIT_BINS:=.d) $(LIVE_BINS:=.d)
