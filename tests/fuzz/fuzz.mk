# Fuzzing, by clang and its libFuzzer (libclang-rt-NN-dev):
#
#   make fuzz                   builds build/fuzz/f_*
#   make fuzz T=3600 [F=xml]    and runs each, or one, for so many seconds
#   make fuzz-smoke             all of them, in two minutes; in CI
#
# What is found new is kept in build/fuzz/corpus, what fails in build/fuzz/bad.

FUZZ    = $(patsubst tests/fuzz/%.c,$(OUT)/%,$(wildcard tests/fuzz/f_*.c))
WORLD   = $(OUT)/f_session $(OUT)/f_store
WORLD_OBJ = $(OUT)/tests/fuzz/world.o $(OUT)/tests/fuzz/world_store.o
FUZZ_OPTIONS = -g -O1 -fno-omit-frame-pointer \
    -fsanitize=fuzzer-no-link,address,undefined \
    -fno-sanitize-recover=undefined
FUZZ_MAKE = +$(MAKE) --no-print-directory FLAVOR=host HOSTCC=clang \
    OUT=build/fuzz CFLAGS='$(FUZZ_OPTIONS)' fuzz-targets

.PHONY: fuzz fuzz-smoke fuzz-targets

fuzz:
	$(FUZZ_MAKE)
	$(if $(T),@$(PYTHON) tests/fuzz/run $(T) $(F))

fuzz-smoke:
	$(FUZZ_MAKE)
	@$(PYTHON) tests/fuzz/run --smoke

fuzz-targets: $(FUZZ)

$(OUT)/tests/fuzz/%.o: CFLAGS += $(BEARSSL_INC)	# f_pem compares with BearSSL

$(filter-out $(WORLD),$(FUZZ)): $(OUT)/f_%: $(OUT)/tests/fuzz/f_%.o $(LIB) \
    $(BEARSSL_LIB)
	$(call say,LINK)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^

# The same code with another kernel below it: world.c has sockets and a clock
# of its own.
$(OUT)/libworld.a: $(LIB) tests/fuzz/world.syms
	$(call say,OBJCOPY)
	$(Q)objcopy --redefine-syms=tests/fuzz/world.syms $< $@

$(WORLD): $(OUT)/f_%: $(OUT)/tests/fuzz/f_%.o $(WORLD_OBJ) $(OUT)/libworld.a \
    $(BEARSSL_LIB)
	$(call say,LINK)
	$(Q)$(LINK) -fsanitize=fuzzer -Wl,--wrap=net_helper_fork -o $@ $^

-include $(FUZZ:$(OUT)/%=$(OUT)/tests/fuzz/%.d) $(WORLD_OBJ:.o=.d)
