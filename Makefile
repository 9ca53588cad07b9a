# omni: omnichannel retail inside PostgreSQL.
#
# Plain PGXS.  Lists are in dependency order; the version is read from
# omni.control alone.  "make help" names the targets that people use.

EXTENSION = omni
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" omni.control)

MODULE_big = omni

# Objects and SQL modules by domain, in the order in which domains may lean on
# each other: to the left only.
OBJS_core = src/core/init.o src/core/shmem.o src/core/spi.o src/core/args.o \
	src/core/guc.o src/core/extension.o src/core/registry.o \
	src/core/database.o src/core/adopt.o src/core/clock.o src/core/chores.o \
	src/core/worker.o src/core/wait.o src/core/launcher.o src/core/utility.o \
	src/core/owner.o src/core/cell.o src/core/access.o src/core/events.o \
	src/core/feed.o src/core/tick.o src/core/consumer.o src/core/feed_scan.o \
	src/core/retention.o
OBJS_types =
OBJS_master =
OBJS_stock =
OBJS_customer =
OBJS_sourcing =
OBJS_orders =

OBJS = src/omni.o $(OBJS_core) $(OBJS_types) $(OBJS_master) $(OBJS_stock) \
	$(OBJS_customer) $(OBJS_sourcing) $(OBJS_orders)

# The install script is the concatenation of the modules: per domain first the
# tables (state), then functions and views; core's schemas come first and the
# closing grants last.
SQL_core = src/core/state.sql src/core/access.sql src/core/feed.sql \
	src/core/worker.sql src/core/access_api.sql src/core/feed_api.sql
SQL_types =
SQL_master =
SQL_stock =
SQL_customer =
SQL_sourcing =
SQL_orders =

SQL_MODULES = src/core/schema.sql $(SQL_core) $(SQL_types) $(SQL_master) \
	$(SQL_stock) $(SQL_customer) $(SQL_sourcing) $(SQL_orders) \
	src/core/grants.sql

DATA_built = omni--$(EXTVERSION).sql
EXTRA_CLEAN = omni--$(EXTVERSION).sql build

PG_CPPFLAGS = -I$(srcdir)/src '-DOMNI_VERSION="$(EXTVERSION)"' '-DPGDLLEXPORT=__attribute__((visibility("default")))'
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-cast-function-type -fvisibility=hidden
ifneq ($(OMNI_WERROR),)
PG_CFLAGS += -Werror
endif

PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
srcdir = .
include $(PGXS)

omni--$(EXTVERSION).sql: $(SQL_MODULES) omni.control Makefile
	cat $(SQL_MODULES) > $@.tmp && mv $@.tmp $@

# A header may change what any object means.
$(OBJS): $(shell find src -name '*.h') Makefile
