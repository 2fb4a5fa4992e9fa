# tomsd. `make help` lists the targets. One Makefile, no recursion but for the variants.
#   make            build/tomsd and build/tomsctl
#   make V=asan     the same in build/asan (variants: release debug asan tsan cover fuzz)
#   make CC=clang   with clang
V ?= release
.DEFAULT_GOAL := all
Q := $(if $(VERBOSE),,@)# make VERBOSE=1 shows the commands
BUILD := $(if $(filter release,$(V)),build,build/$(V))

ifeq ($(V),fuzz)
CC := clang
endif

PKGS := libpcap sqlite3 libmicrohttpd gnutls libssl libcrypto libcurl libzstd libseccomp zlib
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lndpi -lcap
VERSION := $(shell sed -n 's/^version *= *//p' packaging/version 2>/dev/null || echo 0)

WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-align=strict -Wcast-qual \
	-Wwrite-strings -Wswitch-enum -Wnull-dereference -Werror
ifneq ($(findstring clang,$(shell $(CC) --version 2>/dev/null | head -1)),)
WARN := $(filter-out -Wcast-align=strict,$(WARN)) -Wcast-align -Wthread-safety
endif
# Flags that only some compilers take (clang 14 refuses the first, gcc 12 does not know the second).
if_taken = $(shell $(CC) $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection $(call if_taken,-ftrivial-auto-var-init=zero) $(call if_taken,-fstrict-flex-arrays=3)
CFLAGS_ALL := -std=c17 -D_GNU_SOURCE -Iinclude -fPIE -pthread -g -fno-strict-overflow \
	-fno-strict-aliasing -fno-delete-null-pointer-checks -DTOMSD_VERSION='"$(VERSION)"' $(WARN)
LDFLAGS_ALL := -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack

release_CFLAGS := -O2 $(HARDEN)
debug_CFLAGS := -Og $(HARDEN) -DTOMSD_DEBUG
asan_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DTOMSD_DEBUG
tsan_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=thread -DTOMSD_DEBUG
cover_CFLAGS := -O0 --coverage -DTOMSD_DEBUG -DTOMSD_COVER
fuzz_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DTOMSD_DEBUG
asan_LDFLAGS := -fsanitize=address,undefined
tsan_LDFLAGS := -fsanitize=thread
cover_LDFLAGS := --coverage
fuzz_LDFLAGS := -fsanitize=address,undefined
CFLAGS_ALL += $($(V)_CFLAGS)
LDFLAGS_ALL += $($(V)_LDFLAGS)

OBJ := $(BUILD)/obj
LIB_SRCS := $(filter-out $(wildcard src/ctl/*.c),$(wildcard src/*/*.c))
CTL_SRCS := $(wildcard src/ctl/*.c)
GEN_SRCS := $(BUILD)/gen/web_assets.c $(BUILD)/gen/store_migrations.c
LIB_OBJS := $(LIB_SRCS:%.c=$(OBJ)/%.o) $(GEN_SRCS:$(BUILD)/%.c=$(OBJ)/%.o)
CTL_OBJS := $(CTL_SRCS:%.c=$(OBJ)/%.o)
UNIT_SRCS := $(wildcard tests/unit/*/test_*.c)
UNITS := $(UNIT_SRCS:%.c=$(BUILD)/%)
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(FUZZ_SRCS:tests/fuzz/%.c=$(BUILD)/fuzzers/%)
REPLAYERS := $(FUZZ_SRCS:tests/fuzz/%.c=$(BUILD)/tests/fuzz/%)
TOOL_SRCS := $(wildcard tests/tools/*.c)
TOOLS := $(TOOL_SRCS:%.c=$(BUILD)/%)
WEB_FILES := $(sort $(wildcard src/web/assets/* src/web/assets/*/* src/web/assets/*/*/*))
SQL_FILES := $(sort $(wildcard src/store/migrations/*.sql))
# What is built from a list is built again when the list changes: a file that went away is in no rule's way.
NAMES := $(LIB_OBJS) $(WEB_FILES) $(SQL_FILES)
NAMED := $(shell mkdir -p $(BUILD); printf '%s\n' $(NAMES) | cmp -s - $(BUILD)/names || printf '%s\n' $(NAMES) >$(BUILD)/names)

.PHONY: all units fuzzers tools help
all: $(BUILD)/tomsd $(BUILD)/tomsctl ## build tomsd and tomsctl
units: $(UNITS)
tools: $(TOOLS)
fuzzers: $(if $(filter fuzz,$(V)),$(FUZZERS),$(REPLAYERS))

$(BUILD)/names: ;
$(BUILD)/libtomsd.a: $(LIB_OBJS) $(BUILD)/names
	@rm -f $@ && $(AR) rcs $@ $(LIB_OBJS)
$(BUILD)/tomsd: $(OBJ)/src/main.o $(BUILD)/libtomsd.a
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/tomsctl: $(CTL_OBJS) $(BUILD)/libtomsd.a
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC  $<")
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<
$(OBJ)/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) -c -o $@ $<
# Panel files (gzipped) and migrations (as they are) become tables of struct embed.
$(BUILD)/gen/web_assets.c: packaging/embed.sh $(WEB_FILES) $(BUILD)/names
	@mkdir -p $(@D)
	$(Q)sh packaging/embed.sh gzip web_assets src/web/assets $@ $(WEB_FILES)
$(BUILD)/gen/store_migrations.c: packaging/embed.sh $(SQL_FILES) $(BUILD)/names
	@mkdir -p $(@D)
	$(Q)sh packaging/embed.sh plain store_migrations src/store/migrations $@ $(SQL_FILES)
$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libtomsd.a
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(PKG_CFLAGS) -Itests/tools -Wno-error=null-dereference -MMD -MP $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libtomsd.a $(PKG_LIBS) -lcmocka
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(BUILD)/libtomsd.a
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS_ALL) -o $@ $< tests/fuzz/replay.c $(BUILD)/libtomsd.a $(PKG_LIBS)
$(BUILD)/fuzzers/%: tests/fuzz/%.c $(BUILD)/libtomsd.a
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libtomsd.a $(PKG_LIBS)
$(BUILD)/tests/tools/%: tests/tools/%.c $(BUILD)/libtomsd.a
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libtomsd.a $(PKG_LIBS)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

-include $(shell find $(BUILD) -type f -name '*.d' -not -path '$(BUILD)/*/obj/*' 2>/dev/null) $(shell find $(OBJ) -type f -name '*.d' 2>/dev/null)

.PHONY: check test lint clean fuzz
check: ## lint, unit tests, fuzz corpora: about a minute, no root
	@tests/run.py check
test: ## installs what the tests need and runs all of them
	@sh packaging/deps.sh test
	@tests/run.py test
lint: all ## floors, banned calls, words
	@for f in tests/lint/*.sh; do sh $$f $(OBJ) || exit 1; done; /usr/bin/python3 tests/lint/words.py
# make fuzz T=decode SECONDS=600: one target with libFuzzer; new inputs go to build/fuzz/corpus.
SECONDS_EACH ?= 600
fuzz: ## one fuzz target with libFuzzer (T=decode SECONDS_EACH=600)
	@$(MAKE) -s V=fuzz build/fuzz/fuzzers/fuzz_$(T)
	@mkdir -p build/fuzz/corpus/$(T)
	build/fuzz/fuzzers/fuzz_$(T) -max_total_time=$(SECONDS_EACH) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 build/fuzz/corpus/$(T) tests/fuzz/corpus/$(T)
clean: ## removes build/
	rm -rf build
.PHONY: bench
bench: all tools ## measurements as JSON lines, peers beside ours
	@/usr/bin/python3 tests/bench.py $(B)

# Running from the tree, installing, packaging.
.PHONY: run install deb man
run: ## installs what is missing, builds, runs with state in ./var (ARGS="--set panel.listen=...")
	@sh packaging/deps.sh run
	@$(MAKE) -s all
	@exec sh packaging/run.sh $(ARGS)
.PHONY: demo
demo: ## make run with a day of a made-up hospital in it (state in ./var/demo; ARGS as for run)
	@sh packaging/deps.sh run
	@$(MAKE) -s all $(BUILD)/tests/tools/hospital $(BUILD)/tests/tools/log_send
	@exec sh packaging/demo.sh $(ARGS)
PREFIX ?= /usr
install: all ## into DESTDIR, as a package would (PREFIX=/usr)
	install -D -m 0755 $(BUILD)/tomsd $(DESTDIR)$(PREFIX)/sbin/tomsd
	install -D -m 0755 $(BUILD)/tomsctl $(DESTDIR)$(PREFIX)/bin/tomsctl
	install -D -m 0644 packaging/tomsd.service $(DESTDIR)$(PREFIX)/lib/systemd/system/tomsd.service
	install -D -m 0644 packaging/tomsd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/tomsd.conf
	install -D -m 0644 packaging/tomsd.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/tomsd.conf
	install -D -m 0644 packaging/tomsd.sysctl $(DESTDIR)$(PREFIX)/lib/sysctl.d/60-tomsd.conf
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man8 docs/man/tomsd.8
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man1 docs/man/tomsctl.1
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man5 docs/man/tomsd.conf.5
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/tomsd README.md docs/*.md etc/tomsd.conf.example
	[ -e $(DESTDIR)/etc/tomsd/tomsd.conf ] || install -D -m 0640 etc/tomsd.conf.example $(DESTDIR)/etc/tomsd/tomsd.conf
deb: all ## build/deb/tomsd_VERSION_ARCH.deb
	@rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb
	@$(MAKE) -s install DESTDIR=$(abspath $(BUILD)/deb/root) >/dev/null
	@sh packaging/deb.sh $(abspath $(BUILD)/deb/root)
man: $(BUILD)/tomsd ## the options' part of tomsd.conf(5) and the example configuration, from the tables
	@sh packaging/tables.sh $(BUILD)/tomsd write
.PHONY: cover
cover: ## how much of each file the unit tests reach (build/cover/index.html)
	@$(MAKE) -s V=cover units
	@for t in build/cover/tests/unit/*/test_*; do case $$t in *.*) ;; *) $$t >/dev/null 2>&1 || echo "failed: $$t";; esac; done
	@gcovr -r . --object-directory build/cover --exclude tests --print-summary --html-details build/cover/index.html | tail -4
