#!/bin/bash
# Checks exports and imports against the programs of others, by hand: llama.cpp's tools and converters, gguf-py,
# transformers, PEFT.
#
#   tools/interop.sh [MODEL_DIR...]          models beside examples/models/quill; Hugging Face directories, sentence
#                                            encoders of BERT's kind too
#
#   LQLORA      the program (build/lqlora)
#   LLAMA_CPP   llama.cpp's sources, with tools built in LLAMA_BIN (LLAMA_CPP/build/bin)
#   PYTHON      has torch, transformers, peft, gguf, safetensors
#   TEXT        a text for perplexities (examples/texts/held_out.txt)
#   IMATRIX     a text for statistics (examples/texts/calibration.txt)
#   PACKED      how packed bases are made ("--bits 5": a mix of types; for large models "--config ggml,q4_k" is quicker)
#   TABLE=1     adds the table of KL divergences against llama-quantize (takes long)
#
# llama.cpp comes whole in a PyPI source package: pip download --no-deps --no-binary llama-cpp-python llama-cpp-python,
# unpack, and build vendor/llama.cpp: cmake -B build -DLLAMA_CURL=OFF && cmake --build build --target llama-perplexity
# llama-quantize llama-imatrix llama-completion; with -DLLAMA_BUILD_EXAMPLES=ON also llama-embedding, for encoders.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
lqlora=${LQLORA:-$here/build/lqlora}
bin=${LLAMA_BIN:-${LLAMA_CPP:?names llama.cpp\'s sources}/build/bin}
python=${PYTHON:-python3}
text=${TEXT:-$here/examples/texts/held_out.txt}
calibration=${IMATRIX:-$here/examples/texts/calibration.txt}
threads=$(nproc)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
say() { printf '%-12s %-56s %s\n' "$1" "$2" "$3"; [ "$1" = differs ] && failed=1 || true; }

# Perplexity by llama.cpp: windows of 512 of which the second half counts; and the same windows and halves by us.
chunks=8
tr '\n' ' ' <"$text" >"$work/line.txt"
# On a busy machine llama.cpp's tools may end before all that they print is out: they are asked again.
their_perplexity() {
  local found= try
  for try in 1 2 3 4 5 6 7 8 9; do
    found=$("$bin/llama-perplexity" -m "$1" -f "$work/line.txt" -c 512 -b 512 --chunks $chunks -t "$threads" "${@:2}" 2>&1 |
      sed -n 's/.*Final estimate: PPL = \([0-9.]*\).*/\1/p')
    [ -z "$found" ] || break
  done
  echo "${found:-nan}"
}
# "none": the pieces of the text are other tokens than they are in it, so that there is nothing to compare.
our_perplexity() {
  local out
  if out=$("$python" "$here/tests/oracles/llama_perplexity.py" "$lqlora" "$1" "$work/line.txt" $chunks "${@:2}" 2>&1); then
    echo "$out"
  else
    case $out in *"choose another text"*) echo none ;; *) echo "$out" >&2; echo nan ;; esac
  fi
}
# What was measured, our perplexity, theirs, and by what share they may differ.
same_perplexity() {
  if [ "$2" = none ]; then say "not run" "$1" "windows of this text become other tokens"; return 0; fi
  if "$python" -c "import sys; a, b, c = map(float, sys.argv[1:]); sys.exit(not abs(a - b) <= c * b)" "$2" "$3" "$4"; then
    say same "$1" "$2 $3"; else say differs "$1" "$2 $3"; fi
}
# A whole output ends with the end of a line.
greedy() {
  local out= try
  for try in 1 2 3 4 5 6 7 8 9; do
    out=$("$bin/llama-completion" -m "$1" -p "$2" -n 64 --temp 0 -no-cnv -t "$threads" "${@:3}" 2>/dev/null </dev/null; printf x)
    case $out in *$'\n'x) break ;; esac
  done
  printf '%s' "${out%x}"
}
ours() { "$lqlora" --quiet generate "$1" --prompt "$2" --max-tokens 64 "${@:3}" 2>/dev/null; }
same_text() {
  if [ "$(printf '%s' "$2" | tr -s '[:space:]' ' ' | sed 's/ *\[end of text\] *$//; s/^ *//; s/ *$//')" = \
       "$(printf '%s' "$3" | tr -s '[:space:]' ' ' | sed 's/^ *//; s/ *$//')" ]; then say same "$1" "64 tokens"; else
    say differs "$1" "$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | head -4 | tr '\n' ' ')"; fi
}
# A file of ours and what llama.cpp's converter made, where it could.
compare() {
  if [ ! -f "$work/theirs.gguf" ]; then say "not made" "$1" "by theirs: $(tail -n 1 "$work/log" | cut -c1-100)"; return 0; fi
  verdict=$("$python" "$here/tests/oracles/check_gguf_export.py" "$2" "$work/theirs.gguf" 2>&1 | head -3 | tr '\n' ';') || true
  case $verdict in equal*) say same "$1" "$verdict" ;; *) say differs "$1" "$verdict" ;; esac
}
# An encoder generates nothing: its files, and the embeddings that llama.cpp makes of ours.
encoder() {
  for type in f32 f16 q8_0; do
    "$lqlora" --quiet export "$model" --format gguf --type $type -o "$work/$name.$type.gguf" >/dev/null
    if [ -n "${LLAMA_CPP:-}" ]; then
      rm -f "$work/theirs.gguf"
      "$python" "$LLAMA_CPP/convert_hf_to_gguf.py" "$model" --outtype $type --outfile "$work/theirs.gguf" >"$work/log" 2>&1 || true
      compare "$name $type and convert_hf_to_gguf" "$work/$name.$type.gguf"
    fi
  done
  verdict=$("$python" "$here/tests/oracles/llama_embedding.py" "$bin/llama-embedding" "$work/$name.f32.gguf" "$model" 2>/dev/null) &&
    say same "$name f32, embeddings: llama.cpp and transformers" "$verdict" ||
    say differs "$name f32, embeddings: llama.cpp and transformers" "${verdict:-none}"
}
prompt="It was a cold evening"

for model in "$here/examples/models/quill" "$@"; do
  name=$(basename "$model")
  [ "$name" = hf ] && name=$(basename "$(dirname "$model")")
  echo "== $name"
  if grep -q '"BertModel"' "$model/config.json"; then
    encoder
    continue
  fi
  for type in f32 f16 bf16 q8_0; do
    "$lqlora" --quiet export "$model" --format gguf --type $type -o "$work/$name.$type.gguf" >/dev/null
    if [ -n "${LLAMA_CPP:-}" ]; then
      rm -f "$work/theirs.gguf"
      "$python" "$LLAMA_CPP/convert_hf_to_gguf.py" "$model" --outtype $type --outfile "$work/theirs.gguf" >"$work/log" 2>&1 || true
      compare "$name $type and convert_hf_to_gguf" "$work/$name.$type.gguf"
    fi
  done
  same_text "$name f32, greedy: llama.cpp and us" "$(greedy "$work/$name.f32.gguf" "$prompt")" "$(ours "$work/$name.f32.gguf" "$prompt")"
  same_perplexity "$name f32, perplexity" "$(our_perplexity "$work/$name.f32.gguf")" "$(their_perplexity "$work/$name.f32.gguf")" 1e-3
  # llama.cpp rounds the activations of packed products to 8 bits, so the same weights in f32 are compared too.
  own=$(our_perplexity "$work/$name.q8_0.gguf")
  "$bin/llama-quantize" --allow-requantize "$work/$name.q8_0.gguf" "$work/decoded.gguf" F32 >"$work/log" 2>&1 || true
  same_perplexity "$name q8_0, perplexity, decoded by llama-quantize" "$own" "$(their_perplexity "$work/decoded.gguf")" 1e-3
  same_perplexity "$name q8_0, perplexity (8-bit activations)" "$own" "$(their_perplexity "$work/$name.q8_0.gguf")" 5e-3
  # A fine-tuned adapter, merged and apart.
  "$lqlora" --quiet finetune "$model" --data "$calibration" --rank 8 --seq-len 128 --max-steps 8 --lr 1e-3 -o "$work/$name-lora" >/dev/null
  "$lqlora" --quiet export "$model" --adapter "$work/$name-lora" --format gguf-lora -o "$work/$name-lora.gguf" >/dev/null
  if [ -n "${LLAMA_CPP:-}" ]; then
    rm -f "$work/theirs.gguf"
    "$python" "$LLAMA_CPP/convert_lora_to_gguf.py" "$work/$name-lora" --base "$model" --outfile "$work/theirs.gguf" >"$work/log" 2>&1 || true
    compare "$name adapter and convert_lora_to_gguf" "$work/$name-lora.gguf"
  fi
  same_text "$name --lora, greedy: llama.cpp and us" "$(greedy "$work/$name.f32.gguf" "$prompt" --lora "$work/$name-lora.gguf")" \
    "$(ours "$model" "$prompt" --adapter "$work/$name-lora")"
  same_text "$name --lora-scaled 0.5, greedy: llama.cpp and us" \
    "$(greedy "$work/$name.f32.gguf" "$prompt" --lora-scaled "$work/$name-lora.gguf:0.5")" \
    "$(ours "$model" "$prompt" --adapter "$work/$name-lora" --lora-scale 0.5)"
  # A packed base and its low-rank part.
  if ! "$lqlora" --quiet quantize "$model" --format gguf ${PACKED:---bits 5} --rank 8 -o "$work/$name-packed" >/dev/null 2>"$work/log"; then
    say "not made" "$name packed" "by us: $(tail -n 1 "$work/log" | cut -c1-200)"
    continue
  fi
  # Not their greedy texts: llama.cpp rounds the activations of packed products to 8 bits.
  own=$(our_perplexity "$work/$name-packed/model.gguf" --adapter "$work/$name-packed/adapter")
  "$bin/llama-quantize" --allow-requantize "$work/$name-packed/model.gguf" "$work/decoded.gguf" F32 >"$work/log" 2>&1 || true
  theirs=$(their_perplexity "$work/decoded.gguf" --lora "$work/$name-packed/adapter.gguf")
  same_perplexity "$name packed + --lora, perplexity, decoded by llama-quantize" "$own" "$theirs" 1e-3
  theirs=$(their_perplexity "$work/$name-packed/model.gguf" --lora "$work/$name-packed/adapter.gguf")
  same_perplexity "$name packed + --lora, perplexity (8-bit activations)" "$own" "$theirs" 1e-2
  [ "${TABLE:-0}" = 1 ] || continue
  # KL divergence to f16 at the bytes of llama-quantize's types, with its imatrix; embedding and head f16 on both sides.
  "$bin/llama-imatrix" -m "$work/$name.f16.gguf" -f "$calibration" -o "$work/imatrix.gguf" -c 512 -t "$threads" >/dev/null 2>&1
  "$bin/llama-perplexity" -m "$work/$name.f16.gguf" -f "$text" -c 512 -t "$threads" --kl-divergence-base "$work/base.kld" >/dev/null 2>&1
  divergence() { "$bin/llama-perplexity" -m "$1" -f "$text" -c 512 -t "$threads" --kl-divergence-base "$work/base.kld" --kl-divergence 2>&1 | sed -n 's/.*Mean *KLD: *\([0-9.]*\).*/\1/p'; }
  for type in Q2_K Q3_K_S Q3_K_M IQ4_XS Q4_K_M; do
    "$bin/llama-quantize" --imatrix "$work/imatrix.gguf" --token-embedding-type f16 --output-tensor-type f16 "$work/$name.f16.gguf" "$work/theirs.gguf" $type >/dev/null 2>&1
    bits=$("$python" - "$work/theirs.gguf" <<'PY'
import sys
from gguf import GGUFReader
blocks = [t for t in GGUFReader(sys.argv[1]).tensors if t.name.startswith("blk.") and len(t.shape) == 2]
print(8 * sum(int(t.n_bytes) for t in blocks) / sum(int(t.n_elements) for t in blocks))
PY
)
    "$lqlora" --quiet quantize "$model" --format gguf --bits "$bits" --rank 0 --data "$calibration" -o "$work/ours" --overwrite >/dev/null
    say "KL" "$name $type, $bits bits" "llama-quantize $(divergence "$work/theirs.gguf"), lqlora $(divergence "$work/ours/model.gguf")"
  done
done
exit $failed
