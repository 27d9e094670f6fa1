#!/bin/sh
# The whole chain of a budget on all of quill's matrices: run twice, then killed with SIGKILL at random moments
# and resumed; the outputs must be the same, byte for byte. Prints bits, perplexity, and each kill.
# usage: bench/kill_resume.sh path/to/lqlora WORK_DIRECTORY [KILLS [SEED [FLAGS...]]]
# FLAGS replace --bits 2.75 --rank 8 --importance kfac. Takes three to four runs of the chain.
set -eu
lqlora=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
kills=${3:-5}
seed=${4:-$(date +%s)}
if [ $# -gt 4 ]; then shift 4; else set -- --bits 2.75 --rank 8 --importance kfac; fi

chain() {
  out=$1
  shift
  "$lqlora" --quiet quantize "$root/examples/models/quill" "$@" \
    --data "$root/examples/texts/calibration.txt" -o "$out" >"$out.log" 2>&1
}
rm -rf "$work/one" "$work/two" "$work/killed"

begin=$(date +%s)
chain "$work/one" "$@"
took=$(($(date +%s) - begin))
echo "first run: $took s"
chain "$work/two" "$@"
diff -r "$work/one" "$work/two"
echo "second run: the same bytes"

delays=$(awk -v n="$kills" -v t="$took" -v seed="$seed" \
  'BEGIN { srand(seed); for (i = 0; i < n; ++i) printf "%.2f ", 0.05 + rand() * t / 4 }')
echo "seed $seed"
done_kills=0
for delay in $delays; do
  chain "$work/killed" "$@" &
  pid=$!
  # The program is the child of the function's subshell.
  sleep "$delay"
  child=$(ps -o pid= --ppid "$pid" | tr -d ' ')
  if [ -z "$child" ]; then
    wait "$pid"
    echo "after $delay s: it had finished before"
    break
  fi
  kill -KILL "$child"
  wait "$pid" || true
  done_kills=$((done_kills + 1))
  finished=$(find "$work/killed/.work" -type f 2>/dev/null | wc -l)
  echo "killed after $delay s, $finished files in .work"
done
chain "$work/killed" "$@"
diff -r "$work/one" "$work/killed"
echo "killed $done_kills times and resumed: the same bytes"
"$lqlora" --quiet inspect "$work/one" | grep -E 'bits per weight|with low rank|adapter'
"$lqlora" --quiet eval "$work/one" --tasks perplexity --data "$root/examples/texts/held_out.txt" \
  --reference "$root/examples/models/quill" | head -n 1
