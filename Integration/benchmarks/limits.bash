# What the machine itself can do with the same bytes: reading, hashing, compressing, decompressing.

# measure_limits PART IMAGE: over the image's allocated data, which is what a backup has to touch.
measure_limits() {
  local part=$1 data=$work/allocated-data
  python3 "$integration/benchmarks/allocated-data.py" "$2" >"$data"
  record "$part" disk limit allocated "$(stat -c %s "$data")"
  measure "$part" limit cat cat "$data" | cat >/dev/null
  measure "$part" limit sha256 openssl dgst -sha256 "$data" >/dev/null
  measure "$part" limit zstd-1 zstd --quiet --force -1 --single-thread "$data" -o "$data.zst"
  measure "$part" limit zstd-d zstd --quiet --test "$data.zst"
  rm "$data" "$data.zst"
}
