# Recipes of the component toolkit; `./just` installs `just` itself where it is missing.

target := env("CARGO_TARGET_DIR", "target")
host := target / "debug" / "wit-host"
components := target / "components"
linked := target / "linked"
store := target / "store"
cache := components / "cache_impl.wasm"

# List the recipes.
[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# Everything, in both languages: build, link and run, with what it prints.
[group('start')]
demo: build (demo-of "rust-consumer") (demo-of "cpp-consumer")

# All tests.
[group('start')]
test: build
    cargo test --workspace

# Install what is missing: the wasm targets, and a C++ compiler unless WASM_CXX or WASI_SDK_PATH names one.
[group('start')]
setup:
    @scripts/setup

# Generate bindings to read, into target/bindgen/; the builds make their own.
[group('step by step')]
bindgen: host
    {{ host }} bindgen rust wit --world consumer --out-dir {{ target }}/bindgen/rust
    {{ host }} bindgen cpp wit --world consumer --out-dir {{ target }}/bindgen/cpp
    {{ host }} bindgen c wit --world consumer --out-dir {{ target }}/bindgen/c

# Build all, or one: `host`, or a guest by the name of its folder, in any language.
[group('step by step')]
build WHAT="all":
    @"{{ just_executable() }}" {{ if WHAT == "all" { "all" } else if WHAT == "host" { "host" } else { "guest " + WHAT } }}

# Compose a consumer with the cache into a file in target/linked/ that any WASI 0.2 runtime runs.
[group('step by step')]
link CONSUMER: host (guest "cache-impl") (guest CONSUMER)
    @mkdir -p {{ linked }}
    {{ host }} compose {{ components }}/{{ snakecase(CONSUMER) }}.wasm --plug cache={{ cache }} -o {{ linked }}/{{ snakecase(CONSUMER) }}.wasm

# Run a consumer on the cache, which alone gets the directory target/store/.
[group('step by step')]
run CONSUMER: host (guest "cache-impl") (guest CONSUMER)
    @mkdir -p {{ store }}
    {{ host }} run {{ components }}/{{ snakecase(CONSUMER) }}.wasm --plug cache={{ cache }} --dir cache={{ store }}::/cache

# Run a consumer on the cache with a C++ middleware in between, which keeps in memory what was set last.
[group('step by step')]
run-lru CONSUMER: host (guest "cache-impl") (guest "cpp-lru") (guest CONSUMER)
    @mkdir -p {{ store }}
    {{ host }} run {{ components }}/{{ snakecase(CONSUMER) }}.wasm --plug lru={{ components }}/cpp_lru.wasm --plug cache={{ cache }} --dir cache={{ store }}::/cache

# Serve rooms with the logic of examples/rooms/NAME, and its page if it has one, on http://127.0.0.1:8080.
[group('step by step')]
serve NAME="chat" *FLAGS: host (guest NAME)
    {{ host }} serve {{ components }}/{{ snakecase(NAME) }}.wasm --watch \
        {{ if path_exists("examples/rooms" / NAME / "page") == "true" { "--static examples/rooms" / NAME / "page" } else { "" } }} \
        {{ if FLAGS =~ '--admin' { "" } else { "--admin 127.0.0.1:8081" } }} {{ FLAGS }}

# Check a provider against all that wit/cache.wit promises: `cache-impl`, or any .wasm file that exports it.
[group('step by step')]
conformance PROVIDER *ARGS: host (guest "conformance") (build if PROVIDER =~ '\.wasm$' { "host" } else { PROVIDER })
    @mkdir -p {{ store }}/conformance
    {{ host }} run {{ components }}/conformance.wasm --plug cache={{ if PROVIDER =~ '\.wasm$' { join(invocation_directory(), PROVIDER) } else { components / snakecase(PROVIDER) + ".wasm" } }} --dir cache={{ store }}/conformance::/cache -- {{ ARGS }}

# Check the code with warnings as errors, and its formatting.
[group('upkeep')]
lint: setup
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --workspace --exclude wit-host --target wasm32-wasip2 --profile guest -- -D warnings
    cargo clippy -p wit-host --lib --no-default-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
    scripts/public-api check
    cargo package -p wit-host-dir-cache -p wit-host --allow-dirty --no-verify --offline --quiet
    scripts/lint-bench

# Write down the public API of the crates that are published, after a change that is meant: public-api.txt beside each.
[group('upkeep')]
public-api:
    scripts/public-api write

# Package the crates that are published, and build each from its package, as crates.io would. Takes minutes.
[group('upkeep')]
package:
    @mkdir -p {{ target }}
    @# A package has no profiles. With the workspace's own, its dependencies are not built again.
    @sed -n '/^\[profile\./,$p' Cargo.toml > {{ target }}/profiles.toml
    cargo package -p wit-host-dir-cache -p wit-host --allow-dirty --config {{ target }}/profiles.toml

# Format the code.
[group('upkeep')]
fmt:
    cargo fmt --all
    cd bench && cargo fmt

# Try cache and host against faults in the long form, and count them: all, or the parts named. TORTURE_SEED repeats a run.
[group('upkeep')]
torture *PARTS:
    @scripts/torture {{ PARTS }}

# Compare the cache (`store`), the host (`host`), all that can stand behind a consumer (`backends`), the ways of passing data (`data`), the engines (`engines`) or rooms (`rooms`) with others, and keep the table in bench/; `--quick` keeps nothing.
[group('upkeep')]
bench WHAT *ARGS: (guest "cache-impl")
    bench/run {{ WHAT }} {{ ARGS }}

# Fuzz the decoder of entries and the paths of keys, for so many runs each.
[group('upkeep')]
fuzz RUNS="10000000":
    scripts/fuzz {{ RUNS }}

# List the changes of the code that no test sees: of the cache's `engine`, its `component`, the `host`, or all. Takes hours; `--file PATH` narrows it.
[group('upkeep')]
[positional-arguments]
mutants *ARGS:
    @scripts/mutants "$@"

# Build both Rust guests with cargo-component, from the same sources, and put them through the same test.
[group('upkeep')]
build-cargo-component: host (guest "cpp-consumer")
    scripts/cargo-component
    WIT_HOST_TEST_GUESTS="{{ target }}/wasm32-wasip1/release" cargo test -p wit-host --test it -- matrix

# Remove what was built; what `setup` installed into .tools/ stays.
[group('upkeep')]
clean:
    cargo clean

[private]
all: host setup
    scripts/guest build

# With all crates selected, so that dependencies are built with the features that they have in the tests: once.
[private]
host:
    cargo build --workspace --bin wit-host

[private]
guest NAME: setup
    scripts/guest build {{ NAME }}

[private]
demo-of CONSUMER: (link CONSUMER)
    @echo
    @echo "{{ CONSUMER }}, composed with the cache into one file:"
    @mkdir -p {{ store }}/linked
    {{ host }} run {{ linked }}/{{ snakecase(CONSUMER) }}.wasm --dir {{ store }}/linked::/cache
    @echo
    @echo "{{ CONSUMER }}, with the cache plugged at run time:"
    {{ host }} run {{ components }}/{{ snakecase(CONSUMER) }}.wasm --plug cache={{ cache }} --dir cache={{ store }}::/cache
    @echo
