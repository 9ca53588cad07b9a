# omni: omnichannel retail inside PostgreSQL.
#
# Plain PGXS.  Lists are in dependency order; the version is read from
# omni.control alone.  "make help" names the targets that people use.

# DATA names the folder of real input for the demonstration and the tests that
# want it.  To PGXS it would be a list of files to install.
ifdef DATA
export OMNI_DATA := $(abspath $(DATA))
endif
override DATA =
unexport DATA

EXTENSION = omni
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" omni.control)

MODULE_big = omni

# Objects and SQL modules by domain, in the order in which domains may lean on
# each other: to the left only.
OBJS_core = src/core/init.o src/core/shmem.o src/core/spi.o src/core/insert.o src/core/checks.o src/core/args.o \
	src/core/guc.o src/core/extension.o src/core/registry.o \
	src/core/database.o src/core/adopt.o src/core/timeline.o src/core/clock.o src/core/chores.o \
	src/core/worker.o src/core/wait.o src/core/launcher.o src/core/utility.o \
	src/core/owner.o src/core/cell.o src/core/access.o src/core/events.o \
	src/core/feed.o src/core/tick.o src/core/consumer.o src/core/feed_scan.o \
	src/core/retention.o src/core/document.o src/core/request.o \
	src/core/test_point.o
OBJS_types = src/types/currency_core.o src/types/amount_core.o \
	src/types/gtin_core.o src/types/epc_core.o src/types/amount.o \
	src/types/amount_sum.o src/types/gtin.o src/types/epc.o
OBJS_master = src/master/init.o src/master/codes_core.o src/master/map.o \
	src/master/shared.o src/master/nodes.o src/master/lookup.o src/master/policy.o \
	src/master/trigger.o src/master/check.o src/master/change.o \
	src/master/reference.o src/master/announce.o
OBJS_stock = src/stock/init.o src/stock/arena.o src/stock/table.o \
	src/stock/paged.o src/stock/block.o src/stock/promise.o src/stock/load.o \
	src/stock/recover.o src/stock/xact.o src/stock/doubt.o \
	src/stock/ledger.o src/stock/reserve.o src/stock/close.o \
	src/stock/fold.o src/stock/balance.o src/stock/tidy.o \
	src/stock/history.o src/stock/verify.o src/stock/repair.o \
	src/stock/stat.o src/stock/reload.o src/stock/api.o \
	src/stock/reference.o src/stock/shortfall.o src/stock/capacity.o
OBJS_identity = src/identity/text_core.o src/identity/compare_core.o \
	src/identity/date_core.o src/identity/phonetic_core.o \
	src/identity/nickname_core.o src/identity/word_core.o \
	src/identity/name_core.o src/identity/organization_core.o \
	src/identity/align_core.o src/identity/email_core.o \
	src/identity/phone_core.o src/identity/id_core.o \
	src/identity/address_core.o src/identity/street_core.o \
	src/identity/normalise.o src/identity/compare.o src/identity/phone.o \
	src/identity/match_core.o src/identity/match_dict_core.o \
	src/identity/match_prepare_core.o src/identity/match_field_core.o \
	src/identity/match_level_core.o \
	src/identity/match_block_core.o src/identity/match_vector_core.o \
	src/identity/match_model_core.o src/identity/match_cluster_core.o \
	src/identity/match_explain_core.o src/identity/match_args.o \
	src/identity/match_source.o src/identity/match_progress.o \
	src/identity/match_keep.o src/identity/match.o
OBJS_identity_phone = src/identity/phone_library.o src/identity/phone_magic.o
OBJS_customer = src/customer/init.o src/customer/resolve.o
OBJS_sourcing = src/sourcing/solve_core.o src/sourcing/solve_bound_core.o \
	src/sourcing/solve_dual_core.o src/sourcing/solve_greedy_core.o \
	src/sourcing/solve_columns_core.o src/sourcing/solve_search_core.o \
	src/sourcing/solve_check_core.o src/sourcing/solve_explain_core.o \
	src/sourcing/calendar_core.o \
	src/sourcing/rate_core.o src/sourcing/rules_core.o \
	src/sourcing/config.o src/sourcing/config_nodes.o \
	src/sourcing/config_carriers.o src/sourcing/config_rules.o \
	src/sourcing/place.o src/sourcing/zones.o src/sourcing/values.o \
	src/sourcing/network.o src/sourcing/dates.o src/sourcing/explain.o \
	src/sourcing/instance.o src/sourcing/solve.o src/sourcing/gather.o \
	src/sourcing/capacity.o src/sourcing/outcome.o src/sourcing/sourcing.o \
	src/sourcing/reasons.o
OBJS_orders = src/orders/init.o src/orders/money_core.o src/orders/money.o \
	src/orders/parse.o src/orders/values.o src/orders/guard.o \
	src/orders/demand.o src/orders/allocate.o src/orders/record.o \
	src/orders/lines.o src/orders/grant.o src/orders/event.o \
	src/orders/place.o src/orders/document.o src/orders/existing.o \
	src/orders/step.o src/orders/resource.o src/orders/fulfilment.o \
	src/orders/pick.o src/orders/cancel.o src/orders/transition.o \
	src/orders/hold.o src/orders/parking.o src/orders/retry.o \
	src/orders/arrival.o

OBJS = src/omni.o $(OBJS_core) $(OBJS_types) $(OBJS_master) $(OBJS_stock) \
	$(OBJS_identity) $(OBJS_customer) $(OBJS_sourcing) $(OBJS_orders)

# The install script is the concatenation of the modules: per domain first the
# tables (state), then functions and views; core's schemas come first and the
# closing grants last.
SQL_core = src/core/state.sql src/core/access.sql src/core/feed.sql \
	src/core/request.sql src/core/worker.sql src/core/access_api.sql \
	src/core/feed_api.sql
SQL_types = src/types/amount.sql src/types/gtin.sql src/types/epc.sql
SQL_master = src/master/tables.sql src/master/api.sql
SQL_stock = src/stock/tables.sql src/stock/api.sql
SQL_identity = src/identity/normalise.sql src/identity/compare.sql \
	src/identity/match_tables.sql src/identity/match_api.sql
SQL_customer = src/customer/tables.sql src/customer/api.sql
SQL_sourcing = src/sourcing/tables.sql src/sourcing/network_api.sql \
	src/sourcing/api.sql src/sourcing/capacity_api.sql
SQL_orders = src/orders/tables.sql src/orders/waiting_tables.sql \
	src/orders/api.sql src/orders/waiting_api.sql

SQL_MODULES = src/core/schema.sql $(SQL_core) $(SQL_types) $(SQL_master) \
	$(SQL_stock) $(SQL_identity) $(SQL_customer) $(SQL_sourcing) $(SQL_orders) \
	src/core/grants.sql

DATA_built = omni--$(EXTVERSION).sql
EXTRA_CLEAN = omni--$(EXTVERSION).sql build omni_phone.so \
	$(OBJS_identity_phone)

PG_CPPFLAGS = -I$(srcdir)/src -DOMNI_VERSION_NUMBER=$(EXTVERSION) '-DPGDLLEXPORT=__attribute__((visibility("default")))'
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-cast-function-type \
	-Werror=implicit-function-declaration -fvisibility=hidden
ifneq ($(OMNI_WERROR),)
PG_CFLAGS += -Werror
endif

PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config
export PG_CONFIG
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
srcdir = .

# The targets below that set up what they need come without PGXS.
ifneq ($(PGXS),)
include $(PGXS)
else
all install:
	@echo "no server headers: apt-get install postgresql-server-dev-15," \
		"or name a PG_CONFIG" >&2; exit 1
endif

omni--$(EXTVERSION).sql: $(SQL_MODULES) omni.control Makefile
	cat $(SQL_MODULES) > $@.tmp && mv $@.tmp $@

# A library of its own, which sessions load when they need it: it is C++, and
# libphonenumber with its data is large.  Without libphonenumber's headers, or
# with OMNI_PHONE empty, it is left out (src/identity/phone.c says what then).
OMNI_PHONE ?= $(wildcard /usr/include/phonenumbers/phonenumberutil.h)
ifneq ($(OMNI_PHONE),)
all: omni_phone.so
install: install-phone
uninstall: uninstall-phone
endif

.PHONY: install-phone uninstall-phone
install-phone: omni_phone.so
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	$(INSTALL_SHLIB) omni_phone.so '$(DESTDIR)$(pkglibdir)'
uninstall-phone:
	rm -f '$(DESTDIR)$(pkglibdir)/omni_phone.so'

src/identity/phone_library.o: src/identity/phone_library.cpp
	$(CXX) -std=c++14 -O2 -g -Wall -Wextra -fPIC -fvisibility=hidden \
		-Isrc/identity -c -o $@ $<
omni_phone.so: $(OBJS_identity_phone)
	$(CXX) -shared -o $@ $(OBJS_identity_phone) -lphonenumber

include test/fuzz/fuzz.mk
include test/bench/bench.mk
include test/soak/soak.mk

# Points at which tests stop a session (src/core/test_point.h) are compiled in
# where "make test" asks for them, and nowhere else; these objects have some.
TEST_POINT_OBJS = src/core/test_point.o src/core/init.o src/core/tick.o \
	src/stock/xact.o src/stock/fold.o src/stock/verify.o src/stock/load.o \
	src/stock/paged.o src/stock/shortfall.o src/stock/tidy.o
ifneq ($(OMNI_TEST_POINTS),)
$(TEST_POINT_OBJS): override CPPFLAGS += -DOMNI_TEST_POINTS
endif
# This file changes when the wish does, and with it these objects.
$(TEST_POINT_OBJS): build/test_points
build/test_points: FORCE
	@mkdir -p build && echo '$(OMNI_TEST_POINTS)' | cmp -s - $@ || \
		echo '$(OMNI_TEST_POINTS)' >$@
FORCE:

# A header may change what any object means.
$(OBJS) $(OBJS_identity_phone): $(shell find src -name '*.h') Makefile

# ---- targets for people; each does its own set-up ----

DOMAINS = core types master stock identity customer sourcing orders

.PHONY: FORCE help test demo lint compat $(DOMAINS:%=check-%)

help:
	@echo "make                  compile"
	@echo "make install          install into the server of PG_CONFIG"
	@echo "make test             every test, on a throw-away server"
	@echo "make demo             a retailer's days, on a throw-away server"
	@echo "make check-DOMAIN     one domain's tests: $(DOMAINS)"
	@echo "make test SUITE=S     one kind: lint unit regress isolation pgtap tap"
	@echo "make test MATCH=TEXT  the files whose name holds TEXT"
	@echo "make lint             what reads the sources alone"
	@echo "make soak             load and faults, ROUNDS of them, SEED repeats"
	@echo "make model            OPERATIONS random ones against a naive model"
	@echo "make bench            figures, CASES of them; doc/benchmarks.md"
	@echo "make fuzz             parsers and pure cores under libFuzzer, FUZZ_SECONDS each"
	@echo "make compat           syntax check on other server versions"
	@echo "DATA=FOLDER           real input, for what wants it; KEEP=1 keeps"
	@echo "                      the test folder with its logs"

RUN = test/throwaway.sh test perl test/run.pl $(if $(SUITE),--suite $(SUITE)) \
	$(if $(MATCH),--match $(MATCH)) $(if $(JOBS),--jobs $(JOBS))

test:
	@$(RUN) $(if $(DOMAIN),--domain $(DOMAIN))

$(DOMAINS:%=check-%): check-%:
	@$(RUN) --domain $*

demo:
	@test/throwaway.sh demo demo/run.sh

lint:
	@test/throwaway.sh test perl test/run.pl --suite lint

compat:
	@OMNI_CFLAGS='$(PG_CFLAGS) -DOMNI_VERSION_NUMBER=$(EXTVERSION)' test/compat.sh
