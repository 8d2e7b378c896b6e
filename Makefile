# cosftpd: make, make test, make demo.  No configure step.
#
#   BEARSSL=dir   build BearSSL from a source tree instead of the package
#   CROSS=...     for another machine, in build/CROSS: conf/cross.mk
#   CC=...        the compiler (default: musl-gcc where it is, else cc)
#   FLAVOR=asan   address and undefined sanitizers, in build/asan
#   WERROR=1      warnings are errors (as in CI)
#   V=1           show the commands

VERSION  = 0.1.0
RELEASED = 2026-11-25
FLAVOR  ?= release
HOSTCC  ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=
OUT      = build/$(if $(CROSS),$(CROSS)/)$(FLAVOR)

MUSL := $(shell command -v musl-gcc 2>/dev/null)
ifdef CROSS
TOOL    := $(CROSS)-
BEARSSL ?= build/src/bearssl
MUSL_CC := $(wildcard build/musl/$(CROSS)/bin/musl-gcc)
ifeq ($(origin CC),default)
CC := $(if $(MUSL_CC),$(CURDIR)/$(MUSL_CC),$(CROSS)-gcc)
endif
else ifeq ($(origin CC),default)
CC := $(if $(MUSL),musl-gcc,$(HOSTCC))
endif

# Runs here while it builds, whatever CC builds for.
GENCC   ?= $(if $(MUSL),$(MUSL) -static,$(HOSTCC))

WARN = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
       -Wmissing-prototypes $(if $(WERROR),-Werror)
BITS = -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
DEFS = -D_GNU_SOURCE $(BITS) -DCOSFTPD_VERSION='"$(VERSION)"' \
       '-ffile-prefix-map=$(CURDIR)=.'

ifeq ($(FLAVOR),asan)
CC      := $(HOSTCC)
CFLAGS  ?= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS ?= -fsanitize=address,undefined
else ifeq ($(FLAVOR),host)
CC      := $(HOSTCC)
CFLAGS  ?= -O2 -g
LDFLAGS ?=
else
LIBC := $(findstring musl,$(notdir $(CC)) $(shell $(CC) -dumpmachine))
# Small: only the inner loops over data are built for speed.  Optimising at
# link time saves 1 % more; objects have plain code, too, for a linker that
# cannot.
LTO := $(if $(findstring clang,$(shell $(CC) --version)),,-flto=auto \
       -ffat-lto-objects)
NO_UNWIND = -fno-asynchronous-unwind-tables -fno-unwind-tables
CFLAGS  ?= -Os -g -fno-pie -ffunction-sections -fdata-sections $(NO_UNWIND) \
           $(LTO)
# Static programs of musl never make the relro segment read-only.
NO_RELRO = -Wl,-z,norelro
LDFLAGS ?= -static -no-pie -Wl,--gc-sections -Wl,-z,noseparate-code \
           $(if $(LIBC),$(NO_RELRO))
endif

# BearSSL: the package's archive is found by the system compiler; its fortify
# symbols mean their plain namesakes in musl, and its unwind tables (13 KB) are
# left out.
ifdef BEARSSL
BEARSSL_INC = -I$(BEARSSL)/inc
BEARSSL_LIB = $(OUT)/bearssl/libbearssl.a
else
BEARSSL_INC = -I/usr/include/bearssl
BEARSSL_LIB = $(OUT)/bearssl/libbearssl.a
BEARSSL_PKG = $(shell $(HOSTCC) -print-file-name=libbearssl.a)
ifeq ($(LIBC),musl)
FORTIFY     = -Wl,--defsym=__memcpy_chk=memcpy -Wl,--defsym=__memset_chk=memset \
              -Wl,--defsym=__memmove_chk=memmove
endif
endif

SRC  = $(sort $(wildcard conf/*.c tls/*.c net/*.c cos/*.c ftp/*.c))
OBJ  = $(SRC:%.c=$(OUT)/%.o) $(OUT)/ftp/gbk_table.o
LIB  = $(OUT)/libcosftpd.a
UNIT = $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard tests/t_*.c))
FAKE = $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/fakecos/*.c))

ifeq ($(FLAVOR)$(LIBC),release)
NOTE = @echo "note: without musl the binary is larger and the system libc looks names up"
endif

COMPILE = $(CC) -std=gnu11 $(DEFS) $(WARN) $(CFLAGS)
LINK    = $(CC) $(CFLAGS) $(LDFLAGS) $(FORTIFY)
Q       = $(if $(V),,@)
say     = $(if $(V),,@echo "  $(1) $@")

PYTHON ?= $(shell for p in python3 /usr/bin/python3; do \
          $$p -c 'import pytest' 2>/dev/null && echo $$p && break; done)

.PHONY: all asan host units check layers test test-faults test-sdk test-clients \
        test-cross lint demo bench soak install clean
.DELETE_ON_ERROR:
.SECONDARY:

# The program at the top is the release one for this machine; others stay in
# build/.
PROGRAM = $(if $(CROSS)$(filter-out release,$(FLAVOR)),$(OUT)/)cosftpd

all: $(PROGRAM)

ifeq ($(PROGRAM),cosftpd)
cosftpd: $(OUT)/cosftpd
	$(Q)install -m 755 $< $@	# also while an old one runs
endif

$(OUT)/cosftpd: $(OUT)/cosftpd.o $(LIB) $(BEARSSL_LIB)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^
	$(if $(findstring release,$(FLAVOR)),$(Q)$(TOOL)strip $@)
	$(NOTE)

$(LIB): $(OBJ)
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)$(TOOL)ar rc $@ $^

$(OUT)/cos/crc64.o $(OUT)/cos/crc64_fold.o: CFLAGS += $(if $(findstring asan,$(FLAVOR)),,-O2)

$(OUT)/tls/%.o: tls/%.c Makefile $(MUSL_CC) $(if $(BEARSSL),| $(BEARSSL)/inc/bearssl.h)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(BEARSSL_INC) -MMD -c -o $@ $<

$(OUT)/tests/t_der.o: CFLAGS += $(BEARSSL_INC)	# compares with BearSSL

$(OUT)/%.o: %.c Makefile $(MUSL_CC)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -c -o $@ $<

# The characters of GBK, by the iconv of this machine: musl's where it is.
$(OUT)/gen/gbk: ftp/gen/gbk.c
	$(call say,HOSTCC)
	@mkdir -p $(@D)
	$(Q)$(GENCC) -o $@ $<

$(OUT)/ftp/gbk_table.c: $(OUT)/gen/gbk
	$(call say,GEN)
	@mkdir -p $(@D)
	$(Q)$< >$@

$(OUT)/ftp/gbk_table.o: $(OUT)/ftp/gbk_table.c $(MUSL_CC)
	$(call say,CC)
	$(Q)$(COMPILE) -c -o $@ $<

ifdef BEARSSL
$(BEARSSL_LIB): $(BEARSSL)/inc/bearssl.h $(MUSL_CC)
	@rm -rf $(@D) && mkdir -p $(@D)
	$(if $(word 2,$(CURDIR)),$(error BearSSL cannot be built below a path \
	    with blanks: $(CURDIR)))
	$(call say,MAKE)
	$(Q)$(MAKE) $(if $(V),,-s --no-print-directory) -C $(BEARSSL) \
	    BUILD='$(abspath $(@D))' \
	    CC='$(CC)' LD='$(CC)' AR=$(TOOL)ar CFLAGS='-W -Wall -Os $(BITS) \
	    -ffunction-sections -fdata-sections $(NO_UNWIND)' \
	    '$(abspath $@)'

$(BEARSSL)/inc/bearssl.h:
	@echo "no BearSSL in $(BEARSSL): make bearssl-src gets it" && false
else
$(BEARSSL_LIB): $(BEARSSL_PKG)
	@mkdir -p $(@D)
	$(Q)$(TOOL)objcopy -R .eh_frame -R .rela.eh_frame $< $@
endif

# ---- tests ----

asan host:
	+$(MAKE) FLAVOR=$@ build/$@/cosftpd build/$@/fakecos \
	    $(if $(filter asan,$@),build/$@/cosftpd-nomem)

$(OUT)/tests/t_%: $(OUT)/tests/t_%.o $(LIB) $(BEARSSL_LIB)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^

# Its allocations fail when a test wants it.
$(OUT)/cosftpd-nomem: $(OUT)/cosftpd.o $(OUT)/tests/nomem.o $(LIB) \
    $(BEARSSL_LIB)
	$(call say,LINK)
	$(Q)$(LINK) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup \
	    -o $@ $^

$(OUT)/fakecos: $(FAKE) $(LIB) $(BEARSSL_LIB)
	$(call say,LINK)
	$(Q)$(LINK) -pthread -o $@ $^

# check: unit tests of one flavour.  test: everything; ends with the sum.
units: $(UNIT)

check: units
	@tests/run-units $(UNIT)

test: cosftpd
	+$(MAKE) asan host
	@$(PYTHON) tests/run-all

# What the store does wrong, against what clients do; the sanitizer build.
test-faults: asan
	@COSFTPD=build/asan/cosftpd FAKECOS=build/asan/fakecos $(PYTHON) -m pytest \
	    -q --tb=short -p no:cacheprovider $(patsubst %, \
	    tests/functional/test_%.py,faults upload_faults download \
	    names store_http dead_store https credentials)

# The official COS Node SDK against both; skips where node, npm, curl or the
# package cannot be had, unless SDK_REQUIRED=1.
test-sdk: cosftpd host
	@tests/sdk/run

# Every client of tests/clients/packages that is installed, with every operation
# it has.  Options of pytest in CLIENTS, such as "-k lftp"; CLIENTS_REQUIRED=1:
# a client that is missing is a failure.
test-clients: cosftpd host
	@$(PYTHON) tests/clients/run $(CLIENTS)

# All of tests/cross: other machines under qemu-user, and make dist.
# CROSS_REQUIRED=1: what is missing is a failure.
test-cross: host
	@$(PYTHON) -m pytest -q -rs -p no:cacheprovider tests/cross

demo: cosftpd host
	@tests/demo

# Options of tests/bench/bench.py in BENCH, such as "--rounds 5 --only far".
bench: cosftpd host
	@$(PYTHON) tests/bench/bench.py $(BENCH)

# Sessions under faults and kills for T seconds; SEED repeats their choices.
# It runs the sanitizer build.
soak: asan host
	@T=$(T) SEED=$(SEED) COSFTPD=build/asan/cosftpd $(PYTHON) \
	    tests/soak/soak.py

layers:
	@tests/layers.sh

# clang-tidy and cppcheck.
lint:
	@BEARSSL_INC='$(BEARSSL_INC)' tests/lint

include conf/cross.mk
include tests/fuzz/fuzz.mk

install: $(PROGRAM)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man8 \
	    $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 cosftpd.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 cosftpd.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/

clean:
	rm -rf build cosftpd

-include $(OBJ:.o=.d) $(FAKE:.o=.d) $(UNIT:%=%.d) $(OUT)/cosftpd.d
