# make            builds build/lqlora         make test     builds and runs every test
# make demo       the product in a minute     make lint     format, layers, clang-tidy
# make bench      benchmarks as JSON          make install  PREFIX=/usr/local
# make deps       installs what Debian/Ubuntu lack (demo, test, lint and the build call it when something is missing)
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CMAKE_FLAGS ?=
# ON compiles a folder's files together: fastest from scratch. OFF for a tree to work in.
UNITY ?= ON

.PHONY: all deps build demo test bench lint fuzz install clean
all: build

deps:
	@tools/install_deps.sh

$(BUILD)/build.ninja: CMakeLists.txt
	@tools/install_deps.sh
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DLQ_UNITY=$(UNITY) $(CMAKE_FLAGS)

build: $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS) --target lqlora

demo: build
	@tools/demo.sh $(BUILD)/lqlora

test: $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS)
	@ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure

bench:
	@tools/install_deps.sh
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DLQ_UNITY=$(UNITY) -DLQ_BUILD_BENCH=ON $(CMAKE_FLAGS)
	@cmake --build $(BUILD) -j $(JOBS)
	@tools/bench.sh $(BUILD)

lint: $(BUILD)/build.ninja
	@tools/install_deps.sh lint
	@tools/lint.sh $(BUILD)

fuzz:
	@tools/install_deps.sh lint
	@tools/fuzz.sh

install: build
	@cmake --build $(BUILD) -j $(JOBS) --target lqlora_archive
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	@cmake -E rm -rf $(BUILD)
