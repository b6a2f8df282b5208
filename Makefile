# renderchain: the extension (PGXS), the driver and the local model server.
#
#   make            build everything            make check     every test, on a throw-away server
#   make install    extension + programs        make demo      three renders of one chain
#   make demo-serve and its live page           make screenshots  the documents' pictures of it
#   make bench      benchmarks                  make fuzz      a million random documents
#   make fuzz-http  the same number of requests
#   make bench-core only those of the server    make dist      PGXN archive
#   make bench-serve  only those of looking on
#   make bench-worker  only those of the worker   make chaos     kills and restarts for minutes
#   make check-hardened  the tests on servers with assertions and with sanitizers
#   make check-versions  every test on PostgreSQL 17 and 18, in Debian systems of their own (root)

PG_CONFIG ?= pg_config
prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
datadir ?= $(prefix)/share
DESTDIR ?=
INSTALL ?= install

# META.json is the one source of the version; the others are derived from it.
FULL_VERSION := $(shell sed -n 's/^   "version": "\(.*\)",/\1/p' META.json)

.PHONY: all extension driver localmodel install uninstall clean installcheck check check-unit fuzz fuzz-http demo demo-serve screenshots bench bench-core bench-worker bench-serve chaos dist format check-hardened check-versions

all: extension driver localmodel

extension:
	@$(MAKE) --no-print-directory -C extension PG_CONFIG=$(PG_CONFIG) all

driver:
	@$(MAKE) --no-print-directory -C driver PG_CONFIG=$(PG_CONFIG) FULL_VERSION=$(FULL_VERSION)

localmodel:
	@$(MAKE) --no-print-directory -C localmodel FULL_VERSION=$(FULL_VERSION)

install: all
	@$(MAKE) --no-print-directory -C extension PG_CONFIG=$(PG_CONFIG) install DESTDIR=$(DESTDIR)
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(mandir)/man1'
	$(INSTALL) -m 755 build/renderchain build/renderchain-localmodel '$(DESTDIR)$(bindir)/'
	[ ! -f docs/renderchain.1 ] || $(INSTALL) -m 644 docs/renderchain.1 '$(DESTDIR)$(mandir)/man1/'

uninstall:
	@$(MAKE) --no-print-directory -C extension PG_CONFIG=$(PG_CONFIG) uninstall DESTDIR=$(DESTDIR)
	rm -f '$(DESTDIR)$(bindir)/renderchain' '$(DESTDIR)$(bindir)/renderchain-localmodel' \
	      '$(DESTDIR)$(mandir)/man1/renderchain.1'

# Against the server that PG* variables name, as PGXN clients do after install.
installcheck:
	@tools/check-sql

# Everything that proves the tree, without touching the system's PostgreSQL.
check:
	@tools/check

check-unit: localmodel driver
	@$(MAKE) --no-print-directory -C test/unit check

# Cases FIRST to FIRST + CASES - 1 of a seed; the same ones on every machine.
CASES ?= 1000000
SEED ?= 1
FIRST ?= 1
fuzz:
	@tools/sandbox test/fuzz/run $(CASES) $(SEED) $(FIRST)

# The same for requests to the HTTP side.
fuzz-http: driver
	@$(MAKE) --no-print-directory -s -C test/fuzz/http check CASES=$(CASES) SEED=$(SEED) FIRST=$(FIRST)

# KINDS="assertions sanitizers" says which; CASES and SEED what is fuzzed.
check-hardened:
	@tools/check-hardened $(KINDS)

# VERSIONS="17 18" says which.
check-versions:
	@VERSIONS="$(VERSIONS)" tools/check-versions

demo:
	@tools/demo

# Then the live page, until Ctrl+C; LISTEN=127.0.0.1:8080 says where.
demo-serve:
	@tools/demo --serve $(LISTEN)

# The pictures of the documents that show the page and a report.
screenshots:
	@tools/screenshots

bench:
	@bench/run

# Only some rows of the table, by their names: make bench-core ROWS='socket merge'.
ROWS ?=
bench-core:
	@bench/server_core $(ROWS)

# Rows as IN_FLIGHT:LATENCY_MS:RENDERS.
bench-worker:
	@bench/worker_load $(ROWS)

# Rows as VIEWERS:RENDERS.
bench-serve:
	@bench/serve_load $(ROWS)

# For so many seconds; a seed decides what is killed when, though not what is hit. Storage is a
# directory (file), or an S3 service that fails now and then (s3).
SECONDS ?= 120
STORAGE ?= file
chaos:
	@tools/packages check
	@tools/sandbox --no-server --as-server-user -- bash -c \
		'export CHAOS_SECONDS=$(SECONDS) CHAOS_SEED=$(CHAOS_SEED) CHAOS_STORAGE=$(STORAGE); exec "$$RENDERCHAIN_SANDBOX/tests/check-tap" 020_chaos.t'

dist:
	git archive --format=zip --prefix=renderchain-$(FULL_VERSION)/ -o renderchain-$(FULL_VERSION).zip HEAD

format:
	clang-format -i driver/*.[ch] localmodel/*.[ch] test/unit/*.c bench/*.[ch]

clean:
	@$(MAKE) --no-print-directory -C extension PG_CONFIG=$(PG_CONFIG) clean
	@$(MAKE) --no-print-directory -C test/fuzz PG_CONFIG=$(PG_CONFIG) clean
	rm -rf build
