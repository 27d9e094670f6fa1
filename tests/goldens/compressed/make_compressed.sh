#!/bin/sh
# Makes the compressed files of this folder: 30000 lines "0" to "29999", by each tool; two members or frames in a row.
set -eu
cd "$(dirname "$0")"
seq 0 999 >first.tmp
seq 1000 29999 >second.tmp
for part in first second; do
  gzip -9nc $part.tmp >$part.gz.tmp
  zstd -19 -q -c $part.tmp >$part.zst.tmp
  xz -9c $part.tmp >$part.xz.tmp
  bzip2 -9c $part.tmp >$part.bz2.tmp
done
for kind in gz zst xz bz2; do cat first.$kind.tmp second.$kind.tmp >numbers.$kind; done
rm ./*.tmp
