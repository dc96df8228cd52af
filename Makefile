# A door to Meson. `make` builds, `make demo` shows, `make check` tests; each checks the needed packages first
# (tools/deps: installs as root, names them and stops with 69 as a user) and none ever prompts.
.POSIX:
.SUFFIXES:

BUILD = build
PREFIX =
SANITIZE_TOOLS = --with clang-14 --with libclang-rt-14-dev
CHECK_TOOLS = --with postgresql-server-dev-15
PARITY_TOOLS = --with python3-aiohttp --with python3-aiohttp-openmetrics --with python3-aiozipkin --with python3-breezy \
	--with python3-debian --with python3-fakeredis --with python3-iso8601 --with silver-platter
BENCH = all

all: deps
	@tools/build $(BUILD) "$(PREFIX)"

deps:
	@tools/deps

demo: all
	@echo "run      $(BUILD)/holdfast demo"
	@$(BUILD)/holdfast demo

check: all
	@tools/deps $(CHECK_TOOLS)
	@tests/run $(BUILD)

# Hours rather than minutes: wider bounds of the randomised suites, kill points everywhere.
check-long: all
	@tools/deps $(CHECK_TOOLS)
	@HOLDFAST_TEST_LONG=1 tests/run $(BUILD) --timeout-multiplier 20

# AddressSanitizer and UBSan with clang over every suite; ThreadSanitizer with gcc over what has threads.
check-sanitize: deps
	@tools/deps $(CHECK_TOOLS) $(SANITIZE_TOOLS)
	@tests/sanitize

# Malformed wire data on the decoders, ten minutes (FUZZ_SECONDS=600).
fuzz: deps
	@tools/deps $(SANITIZE_TOOLS)
	@tests/fuzz/run

# Not what tells a program that is missing by posix_spawn(3): there its answer differs under valgrind.
check-valgrind: all
	@tools/deps --with valgrind
	@tests/run $(BUILD) --suite unit --no-suite no-valgrind --wrap 'valgrind -q --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite' --timeout-multiplier 20

# Ours beside the Python original: it answers as recorded, and so do we. make check-parity JANITOR_CHECKOUT=DIR
check-parity: all
	@tools/deps $(CHECK_TOOLS) $(PARITY_TOOLS)
	@/usr/bin/python3 tests/parity/run.py --checkout "$(JANITOR_CHECKOUT)" --compare
	@HOLDFAST_TEST_LONG=1 meson test -C $(BUILD) --no-rebuild --print-errorlogs --timeout-multiplier 20 replay replay_storing schedule_recorded parity
	@/usr/bin/python3 tests/parity/run.py --tally

coverage: deps
	@tools/deps $(CHECK_TOOLS) --with gcovr
	@tests/coverage

bench: all
	@bench/run $(BUILD) $(BENCH)

# What kv_combine is measured against: needs cargo and go, and their registries. Without it those figures are not measured.
bench-peers: deps
	@mkdir -p $(BUILD)/peers && cp -r bench/peers/tokio bench/peers/pgx $(BUILD)/peers/
	@cd $(BUILD)/peers/pgx && go mod tidy && go build -o peer-pgx .
	@cd $(BUILD)/peers/tokio && cargo build --release && cp target/release/peer-tokio .

# Renew the offline metadata of sql/queries after an edit. Stale metadata stop the build, so only the compiler is built.
gen: deps
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --libdir=lib >/dev/null
	@ninja -C $(BUILD) --quiet tools/gen/holdfast-gen
	@$(BUILD)/tools/gen/holdfast-gen

install: all
	@tools/install $(BUILD)

clean:
	@rm -rf build build-asan build-tsan build-coverage build-clang build-fuzz

.PHONY: all deps demo check check-long check-sanitize check-valgrind check-parity fuzz coverage bench bench-peers gen install clean
