# What zstd's own benchmark says: compression in memory, on one processor, without a file system.

# zstd_speeds FILE LEVEL_OPTION BLOCK_BYTES: MB/s (of 1,000,000 bytes) compressing and decompressing FILE cut
# into blocks, each compressed alone.
zstd_speeds() {
  # "-1    114615020 (1.538) 462.03 MB/s 1157.8 MB/s  NAME"
  local speeds
  speeds=$(zstd --quiet -b "$2" "-B$3" -i1 "$1" 2>&1 |
    sed -nE 's|.*\) +([0-9.]+) MB/s +([0-9.]+) MB/s .*|\1 \2|p' | tail -n 1)
  [[ -n $speeds ]] || die "cannot read the speeds that 'zstd -b $2' prints"
  echo "$speeds"
}
