# tomsd. `make help` lists the targets. One Makefile, no recursion but for the variants.
#   make            build/tomsd and build/tomsctl
#   make V=asan     the same in build/asan (variants: release debug asan tsan cover fuzz)
#   make CC=clang   with clang
V ?= release
.DEFAULT_GOAL := all
BUILD := $(if $(filter release,$(V)),build,build/$(V))

PKGS := libpcap sqlite3 libmicrohttpd gnutls libcrypto libseccomp zlib
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lndpi -lcap
VERSION := $(shell sed -n 's/^version *= *//p' packaging/version 2>/dev/null || echo 0)

WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-align=strict -Wcast-qual \
	-Wwrite-strings -Wswitch-enum -Wnull-dereference -Werror
ifneq ($(findstring clang,$(shell $(CC) --version 2>/dev/null | head -1)),)
WARN := $(filter-out -Wcast-align=strict,$(WARN)) -Wcast-align -Wthread-safety
endif
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -ftrivial-auto-var-init=zero
CFLAGS_ALL := -std=c17 -D_GNU_SOURCE -Iinclude -fPIE -pthread -g -fno-strict-overflow \
	-fno-strict-aliasing -fno-delete-null-pointer-checks -DTOMSD_VERSION='"$(VERSION)"' $(WARN)
LDFLAGS_ALL := -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack

release_CFLAGS := -O2 $(HARDEN)
debug_CFLAGS := -Og $(HARDEN) -DTOMSD_DEBUG
asan_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DTOMSD_DEBUG
tsan_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=thread -DTOMSD_DEBUG
cover_CFLAGS := -O0 --coverage -DTOMSD_DEBUG
fuzz_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DTOMSD_DEBUG
asan_LDFLAGS := -fsanitize=address,undefined
tsan_LDFLAGS := -fsanitize=thread
cover_LDFLAGS := --coverage
fuzz_LDFLAGS := -fsanitize=address,undefined
