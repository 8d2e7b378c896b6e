# Other machines, and archives of what was built.  Included by Makefile.
#
#   make bearssl-src                    BearSSL's source to build/src/bearssl
#   make musl CROSS=aarch64-linux-gnu   musl for that machine to build/musl
#   make CROSS=aarch64-linux-gnu [BEARSSL=dir]
#   make dist [CROSS=...]               an archive in dist/
#   make dist-all                       one for each machine
#
# CROSS is the prefix of the compiler: CROSS-gcc.  Without `make musl` its own
# libc is linked.

MACHINES = aarch64-linux-gnu arm-linux-gnueabihf riscv64-linux-gnu

.PHONY: bearssl-src musl-src musl dist dist-all

bearssl-src musl-src:
	@conf/third-party $(@:-src=) build/src/$(@:-src=)

musl: build/musl/$(CROSS)/bin/musl-gcc

# The paths in the wrapper are absolute: after a move of the tree, once more.
build/musl/$(CROSS)/bin/musl-gcc: | musl-src
	$(if $(CROSS),,$(error make musl needs CROSS=...))
	$(if $(word 2,$(CURDIR)),$(error musl cannot be built below a path \
	    with blanks: $(CURDIR)))
	$(call say,MAKE)
	@rm -rf build/musl/$(CROSS) && mkdir -p build/musl/$(CROSS)/build
	$(Q)cd build/musl/$(CROSS)/build && \
	    CFLAGS=-w ../../../src/musl/configure --target=$(CROSS) \
	    --prefix='$(CURDIR)/build/musl/$(CROSS)' --disable-shared \
	    --enable-wrapper=gcc >configure.log && \
	    $(MAKE) -s --no-print-directory AR=$(CROSS)-ar RANLIB=$(CROSS)-ranlib install

# ---- archives: same input, same bytes ----

# Beside the program the licences of what is linked into it.
MACHINE  = $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
ARCH     = $(patsubst arm,armhf,$(MACHINE))
NAME     = cosftpd-$(VERSION)-$(ARCH)
STAGE    = $(OUT)/dist/$(NAME)
MTIME    = $(if $(SOURCE_DATE_EPOCH),@$(SOURCE_DATE_EPOCH),$(RELEASED) UTC)
BEARSSL_LICENSE ?= $(firstword $(wildcard $(if $(BEARSSL), \
    $(BEARSSL)/LICENSE.txt,/usr/share/doc/libbearssl-dev/copyright)))
MUSL_LICENSE    ?= $(firstword $(wildcard $(if $(CROSS),build/src/musl/COPYRIGHT, \
    /usr/share/doc/musl/copyright /usr/share/doc/musl-dev/copyright)))

dist: $(PROGRAM)
	$(if $(filter musl,$(LIBC)),,$(error make dist needs musl: \
	    $(if $(CROSS),make musl CROSS=$(CROSS),the package musl-tools)))
	$(if $(BEARSSL_LICENSE),,$(error no licence: BEARSSL_LICENSE=file))
	$(if $(MUSL_LICENSE),,$(error no licence: MUSL_LICENSE=file))
	@rm -rf $(OUT)/dist && mkdir -p dist
	@install -d -m 755 $(STAGE) $(STAGE)/licenses
	@install -m 755 $(PROGRAM) $(STAGE)/
	@install -m 644 LICENSE README.md CHANGES cosftpd.8 cosftpd.conf.5 \
	    conf/vsftpd.conf.example conf/cosftpd.service \
	    conf/cosftpd.logrotate $(STAGE)/
	@install -m 644 $(BEARSSL_LICENSE) $(STAGE)/licenses/BearSSL
	@install -m 644 $(MUSL_LICENSE) $(STAGE)/licenses/musl
	@tar -C $(OUT)/dist --format=ustar --sort=name --owner=0 --group=0 \
	    --numeric-owner --mtime='$(MTIME)' -cf $(OUT)/dist/tar $(NAME)
	@gzip -9n <$(OUT)/dist/tar >dist/$(NAME).tar.gz
	@cd dist && LC_ALL=C sha256sum cosftpd-$(VERSION)-*.tar.gz >SHA256SUMS
	@echo "  dist/$(NAME).tar.gz"

dist-all: bearssl-src musl-src
	+$(MAKE) dist
	+for m in $(MACHINES); do \
	    $(MAKE) CROSS=$$m musl && $(MAKE) CROSS=$$m dist || exit 1; done
