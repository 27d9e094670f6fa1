#!/bin/sh
# Installs the built tree into a fresh folder, builds examples/cpp against it (by CMake, and one by pkg-config),
# and runs them on examples/models/quill. Prints what they print; exits with 1 where something is not as it should.
# usage: install_test.sh SOURCE_DIR BUILD_DIR CXX
set -eu
source=$1
build=$2
cxx=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
quill=$source/examples/models/quill

fail() { echo "install test: $*" >&2; exit 1; }
# says FILE TEXT: the program's output has the text.
says() { grep -q -- "$2" "$1" || { cat "$1" >&2; fail "$(basename "$1") does not say: $2"; }; }

cmake --install "$build" --prefix "$prefix" >"$work/install.log" || fail "cmake --install"
cmake -S "$source/examples/cpp" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-Wall -Wextra ${LQ_EXAMPLE_FLAGS-}" >"$work/configure.log" 2>&1 ||
  { cat "$work/configure.log" >&2; fail "configuring examples/cpp"; }
cmake --build "$work/build" -j 2 >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; fail "building examples/cpp"; }
if grep -i 'warning: ' "$work/build.log"; then fail "the examples compile with warnings"; fi
cd "$work/build"

./quantize_matrix "$quill" model.layers.0.self_attn.q_proj.weight | tee "$work/quantize_matrix"
says "$work/quantize_matrix" "3.1"
says "$work/quantize_matrix" "rank 32: relative error 0\\.0"

./load_and_generate "$quill" "It was a cold evening" | tee "$work/load_and_generate"
says "$work/load_and_generate" "24 tokens, ended by length"
# Greedy text is that of the command line.
"$prefix/bin/lqlora" --quiet generate "$quill" --prompt "It was a cold evening" --max-tokens 24 >"$work/cli"
[ "$(head -1 "$work/load_and_generate")" = "$(head -1 "$work/cli")" ] || fail "the command line writes: $(cat "$work/cli")"

./training_step "$quill" "It was a cold evening in the month of May." "$work/adapter" | tee "$work/training_step"
python3 - "$work/training_step" <<'END' || fail "the loss does not fall, or the adapter on disk is another"
import re, sys
losses = [float(x) for x in re.findall(r"loss ([0-9.e+-]+)", open(sys.argv[1]).read())]
sys.exit(0 if len(losses) == 6 and losses[5] < losses[4] < losses[0] else 1)
END
[ -s "$work/adapter/adapter_model.safetensors" ] || fail "no adapter was written"

./own_quantizer | tee "$work/own_quantizer"
python3 - "$work/own_quantizer" <<'END' || fail "rank does not help the quantizer of one's own"
import re, sys
errors = [float(x) for x in re.findall(r"relative error ([0-9.]+)", open(sys.argv[1]).read())]
sys.exit(0 if len(errors) == 3 and 0.7 > errors[0] > errors[1] > errors[2] > 0.1 else 1)
END

# The same without CMake.
export PKG_CONFIG_PATH="$(dirname "$(find "$prefix" -name lqlora.pc)")"
# shellcheck disable=SC2046
"$cxx" -std=c++20 ${LQ_EXAMPLE_FLAGS-} "$source/examples/cpp/own_quantizer.cc" -o own2 $(pkg-config --cflags --libs lqlora) ||
  fail "building by pkg-config"
./own2 | cmp - "$work/own_quantizer" || fail "built by pkg-config it computes something else"
echo "install test: passed"
