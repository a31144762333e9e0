# What goes in comes out: every kind of source, compared byte for byte.

# back_up_and_compare FILE: through a pipe and into a new file.
back_up_and_compare() {
  local file=$1
  # Sizes change as they like here.
  "$varve" backup job "$file" --accept-unusual
  "$varve" restore job@latest - | cmp - "$file"
  rm -f restored.raw
  "$varve" restore job@latest restored.raw
  expect_same_bytes "$file" restored.raw
}

test_files_of_odd_sizes() {
  "$varve" init
  local size
  for size in 0 1 511 512 4097 131071 131072 131073 1000003 33554433; do
    random_bytes "$size" 1 >disk.raw
    expect_equal "$(stat -c %s disk.raw)" "$size"
    back_up_and_compare disk.raw
  done
}

test_volume_of_zeros_stores_no_chunk() {
  "$varve" init
  dd if=/dev/zero of=zeros.raw bs=1M count=64 status=none
  local before
  before=$(repository_bytes)
  back_up_and_compare zeros.raw
  expect_at_most $(($(repository_bytes) - before)) 65536 "growth"
  expect_at_most "$(du -B1 restored.raw | cut -f1)" 65536 "allocation of the restored file"
}

test_mixed_volume_is_restored_as_sparse_as_it_was() {
  "$varve" init
  make_mixed_volume disk.raw 96 3
  back_up_and_compare disk.raw
  expect_at_most "$(du -m restored.raw | cut -f1)" $(($(du -m disk.raw | cut -f1) + 2)) \
    "MiB allocated"
}

test_sparse_volume_of_20_TiB() {
  "$varve" init
  make_memory_directory
  local disk=$memory/disk.raw restored=$memory/restored.raw offset
  truncate -s 20T "$disk"
  for offset in 0 $((5 << 40)) $(((20 << 40) - 4096)); do
    write_random "$disk" "$offset" 4096 "$((offset % 97))"
  done
  timeout 60 "$varve" backup job "$disk"
  timeout 60 "$varve" restore job@latest "$restored"
  expect_equal "$(stat -c %s "$restored")" $((20 << 40))
  expect_at_most "$(du -k "$restored" | cut -f1)" 1024 "KiB allocated"
  for offset in 0 $((5 << 40)) $(((20 << 40) - 4096)); do
    cmp --ignore-initial="$offset" --bytes=4096 "$disk" "$restored"
  done
  expect_at_most "$(repository_bytes)" 2000000
}

test_block_device() {
  needs_loop
  "$varve" init
  make_mixed_volume disk.raw 48 4
  attach_loop "$work/disk.raw" --read-only
  "$varve" backup job "$loop_device"
  "$varve" restore job@latest - | cmp - disk.raw
}

test_pipe_of_unknown_length() {
  "$varve" init
  make_mixed_volume disk.raw 40 5
  truncate -s +777 disk.raw
  zstd -c disk.raw | zstd -dc | "$varve" backup job -
  "$varve" restore job@latest - | cmp - disk.raw
  : | "$varve" backup empty - --accept-unusual
  expect_equal "$("$varve" restore empty@latest - | wc -c)" 0
}

test_several_volumes_with_tag_and_attachment() {
  "$varve" init
  make_mixed_volume a.raw 16 6
  make_mixed_volume b.raw 24 7
  echo '<domain><name>db01</name></domain>' >domain.xml
  "$varve" backup db01 vda=a.raw vdb=b.raw --tag nightly --attach domain.xml
  "$varve" restore db01@latest/vda - | cmp - a.raw
  "$varve" restore db01@tag:nightly/vdb - | cmp - b.raw
  expect_exit 0 "$varve" show db01@latest
  expect_output vda
  expect_output vdb
  expect_output domain.xml
  expect_output nightly
  # Which of the two volumes is meant has to be said.
  expect_exit 1 "$varve" restore db01@latest -
  expect_output 'vda.*vdb|volume'
}

test_attachment_comes_from_a_pipe() {
  "$varve" init
  echo x >disk.raw
  # The writer is slower than the reader.
  "$varve" backup job disk.raw --attach domain.xml=<(sleep 0.5 && echo '<domain/>')
  expect_equal "$("$varve" show job --attachment domain.xml)" '<domain/>'
  local file
  truncate -s $(((16 << 20) + 1)) large
  for file in large /dev/zero; do
    expect_exit 1 "$varve" backup job disk.raw --attach "document=$file"
    expect_output "cannot read $file: it is larger than the limit of 16777216 bytes"
  done
  expect_equal "$("$varve" revisions --json | jq length)" 1
}

test_incremental_backups_are_each_complete() {
  "$varve" init
  make_mixed_volume disk.raw 64 8
  local night
  for night in 1 2 3 4 5; do
    write_random disk.raw $((night * 9000017)) $((night * 50001)) "$night"
    cp --sparse=always disk.raw "night-$night.raw"
    "$varve" backup job disk.raw
  done
  for night in 1 2 3 4 5; do
    "$varve" restore "job@$((5 - night))" - | cmp - "night-$night.raw"
  done
}

test_growing_and_shrinking_volume() {
  "$varve" init
  make_mixed_volume disk.raw 30 9
  local size
  for size in 31000001 90000000 1000000 29999999; do
    truncate -s "$size" disk.raw
    back_up_and_compare disk.raw
  done
}

test_same_content_is_stored_once() {
  "$varve" init
  random_bytes 40000000 10 >disk.raw
  "$varve" backup one disk.raw
  local before
  before=$(repository_bytes)
  cp disk.raw copy.raw
  "$varve" backup two copy.raw
  expect_at_most $(($(repository_bytes) - before)) 200000 "growth by a second copy"
}

test_every_chunk_size_and_compression() {
  make_mixed_volume disk.raw 24 12
  local size compression
  for size in 64KiB 1MiB 4MiB; do
    for compression in zstd:1 zstd:9 none; do
      export VARVE_REPOSITORY=$work/repository-$size-$compression
      "$varve" init --chunk-size "$size" --compression "$compression"
      back_up_and_compare disk.raw
    done
  done
}

test_small_database_writes_cost_what_was_written() {
  "$varve" init
  python3 "$integration/lib/database.py" make database.raw 64 1
  "$varve" backup job database.raw
  local before night
  for night in 1 2 3; do
    before=$(repository_bytes)
    printf '0 %d\n' "$(stat -c %s database.raw)" >extents
    python3 "$integration/lib/random-writes.py" database.raw extents 200 "$night"
    "$varve" backup job database.raw
    # 200 × 64 bytes; alone, the dirty chunks of 128 KiB would take about 8 MB compressed.
    expect_at_most $(($(repository_bytes) - before)) 400000 "growth in night $night"
  done
  "$varve" restore job@latest - | cmp - database.raw
}

test_diff_lists_exactly_what_changed() {
  "$varve" init
  make_mixed_volume disk.raw 64 13
  "$varve" backup job disk.raw
  write_random disk.raw $((10 << 20)) 4096 1
  write_random disk.raw $((50 << 20)) 300000 2
  "$varve" backup job disk.raw
  expect_exit 0 "$varve" diff job@1 job@0
  expect_exit 0 "$varve" diff --json job@0 job@0
  "$varve" diff --json job@1 job@0 >diff.json
  jq . diff.json
  # Chunks of 128 KiB: one, and three for 300,000 bytes that begin at a boundary.
  jq -e '[.. | objects | select(has("lengthBytes")) | .lengthBytes] | add == 4 * 131072' diff.json
}

test_source_that_is_no_disk() {
  "$varve" init
  mkdir directory
  expect_exit 1 "$varve" backup job directory
  expect_output directory
  expect_exit 1 "$varve" backup job /dev/null/nothing
  mkfifo fifo
  expect_equal "$(count_revisions)" 0
}

# A faster level takes more room, for chunks that are stored after the change.
test_compression_can_be_changed_later() {
  "$varve" init --compression zstd:19
  # The program is something that compresses, by how much depends on the level.
  head -c 12M "$varve" >old.raw
  tail -c 12M "$varve" >new.raw
  "$varve" backup job old.raw
  local slow_bytes before
  before=$(repository_bytes)
  "$varve" backup other new.raw
  slow_bytes=$(($(repository_bytes) - before))
  "$varve" verify --all

  expect_exit 0 "$varve" config set --compression zstd:-7
  expect_equal "$("$varve" config show --json | jq -r .compression)" zstd:-7
  "$varve" forget other@latest --yes
  "$varve" gc
  before=$(repository_bytes)
  "$varve" backup other new.raw
  expect_at_least $(($(repository_bytes) - before)) $((slow_bytes * 11 / 10)) "bytes at level -7"
  "$varve" verify --all
  "$varve" restore job@latest - | cmp - old.raw
  "$varve" restore other@latest - | cmp - new.raw

  expect_exit 2 "$varve" config set --compression zstd:0
  expect_output "zstd:LEVEL with a level from -7 to 19, except 0"
  expect_exit 2 "$varve" config set
}
