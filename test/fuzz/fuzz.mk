# make fuzz: pure parsers and algorithms under libFuzzer, with the address and the
# undefined-behaviour sanitizers.  Included by the top Makefile; needs clang and
# no server.  FUZZ_SECONDS is the time per target.

FUZZ_SECONDS ?= 20
FUZZ_CC ?= clang
FUZZ_CFLAGS = -g -O1 -Wall -Wextra -Werror -Wno-missing-field-initializers \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_DIR = build/fuzz

FUZZ_TARGETS = amount gtin epc solve calendar rate rules identity_text \
	identity_compare identity_name identity_field identity_match
FUZZ_SOURCES_amount = src/types/amount_core.c src/types/currency_core.c
FUZZ_SOURCES_gtin = src/types/gtin_core.c
FUZZ_SOURCES_epc = src/types/epc_core.c src/types/gtin_core.c
FUZZ_SOURCES_solve = $(wildcard src/sourcing/solve_*core.c)
FUZZ_SOURCES_calendar = src/sourcing/calendar_core.c
FUZZ_SOURCES_rate = src/sourcing/rate_core.c
FUZZ_SOURCES_rules = src/sourcing/rules_core.c
FUZZ_SOURCES_identity_text = src/identity/text_core.c
FUZZ_SOURCES_identity_compare = src/identity/text_core.c \
	src/identity/compare_core.c
FUZZ_SOURCES_identity_name = src/identity/text_core.c \
	src/identity/compare_core.c src/identity/phonetic_core.c \
	src/identity/nickname_core.c src/identity/word_core.c \
	src/identity/name_core.c src/identity/organization_core.c \
	src/identity/align_core.c
FUZZ_SOURCES_identity_field = src/identity/text_core.c \
	src/identity/compare_core.c src/identity/date_core.c \
	src/identity/email_core.c src/identity/phone_core.c \
	src/identity/id_core.c src/identity/address_core.c \
	src/identity/street_core.c
FUZZ_SOURCES_identity_match = $(wildcard src/identity/*_core.c)

# Clang and libFuzzer come with test/setup.sh, if they are missing.
.PHONY: fuzz fuzz-setup $(FUZZ_TARGETS:%=fuzz-%)

fuzz: $(FUZZ_TARGETS:%=fuzz-%)
	@echo "fuzz: $(words $(FUZZ_TARGETS)) targets passed"

# What a run finds new stays in build/fuzz, so the next run starts from there.
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(FUZZ_DIR)/fuzz_%
	@mkdir -p $(FUZZ_DIR)/corpus_$* $(FUZZ_DIR)/seeds_$*
	@i=0; grep -v '^#' test/fuzz/$*.seeds | while read -r line; do \
		i=$$((i + 1)); printf "$$line" >$(FUZZ_DIR)/seeds_$*/$$i; done
	@echo "fuzz: $* for $(FUZZ_SECONDS) s"
	@$< -max_total_time=$(FUZZ_SECONDS) -max_len=256 -timeout=10 \
		-print_final_stats=1 -verbosity=0 -dict=test/fuzz/$*.dict \
		-artifact_prefix=$(FUZZ_DIR)/$*_ $(FUZZ_DIR)/corpus_$* \
		$(FUZZ_DIR)/seeds_$* >$(FUZZ_DIR)/$*.log 2>&1 || { \
			tail -n 40 $(FUZZ_DIR)/$*.log >&2; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: */fuzz: $*: executions without a fault: /p' \
		$(FUZZ_DIR)/$*.log

$(FUZZ_DIR)/fuzz_%: test/fuzz/fuzz_%.c test/fuzz/check.h test/fuzz/bytes.h \
		test/fuzz/fuzz.mk $(wildcard src/*/*_core.[ch]) \
		$(wildcard src/identity/*_table.h) src/sourcing/solve_work.h test/unit/sourcing_draw.h | fuzz-setup
	@mkdir -p $(FUZZ_DIR)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Isrc -o $@ $< $(FUZZ_SOURCES_$*) -lm

fuzz-setup:
	@test/setup.sh fuzz
