# What changed since another revision, told over NBD, and clients that copy just that.

chunk_bytes=131072

# serve_history: three revisions of 40 MiB and a bit; job@2 is first.raw, job@1 second.raw, job@0
# third.raw. The second has two chunks changed and four cleared, the third is longer.
serve_history() {
  "$varve" init
  random_bytes 41943140 1 >first.raw
  "$varve" backup job first.raw --tag oldest
  cp first.raw second.raw
  write_random second.raw $((10 * chunk_bytes + 5)) 3 2
  write_random second.raw $((200 * chunk_bytes - 1)) 2 3
  dd if=/dev/zero of=second.raw bs=$chunk_bytes seek=100 count=4 conv=notrunc status=none
  "$varve" backup job second.raw
  cp second.raw third.raw
  truncate -s $((60 * 1048576 + 7)) third.raw
  write_random third.raw $((50 * 1048576)) 100 4
  "$varve" backup job third.raw
  start_server
}

# map_of EXPORT SELECTOR: `offset length flags` of what changed, a line each.
map_of() {
  nbdinfo --map="varve:changed-since:$2" --json "$(nbd_uri "$1")" |
    jq -r '.[] | "\(.offset) \(.length) \(.type)"'
}

changed() { awk '$3 != 0' ; }

test_nbdinfo_shows_what_changed() {
  serve_history
  expect_equal "$(map_of job@1 2)" "$(printf '%s\n' \
    "0 $((10 * chunk_bytes)) 0" \
    "$((10 * chunk_bytes)) $chunk_bytes 1" \
    "$((11 * chunk_bytes)) $((89 * chunk_bytes)) 0" \
    "$((100 * chunk_bytes)) $((4 * chunk_bytes)) 3" \
    "$((104 * chunk_bytes)) $((95 * chunk_bytes)) 0" \
    "$((199 * chunk_bytes)) $((2 * chunk_bytes)) 1" \
    "$((201 * chunk_bytes)) $((41943140 - 201 * chunk_bytes)) 0")"
  expect_equal "$(map_of job@1 1)" "0 41943140 0" "what changed since itself"
}

test_what_lies_beyond_the_old_end_changed() {
  serve_history
  # The old end lies in a chunk that is another now, since it is longer.
  local old_chunks=$((41943140 / chunk_bytes)) data=$((50 * 1048576 / chunk_bytes))
  expect_equal "$(map_of job@0 1)" "$(printf '%s\n' \
    "0 $((old_chunks * chunk_bytes)) 0" \
    "$((old_chunks * chunk_bytes)) $chunk_bytes 1" \
    "$(((old_chunks + 1) * chunk_bytes)) $(((data - old_chunks - 1) * chunk_bytes)) 3" \
    "$((data * chunk_bytes)) $chunk_bytes 1" \
    "$(((data + 1) * chunk_bytes)) $((60 * 1048576 + 7 - (data + 1) * chunk_bytes)) 3")"
  # The other way round, there is nothing beyond the end.
  expect_equal "$(map_of job@1 0 | changed)" "$((old_chunks * chunk_bytes)) 100 1"
}

test_totals_are_those_of_diff() {
  serve_history
  nbdinfo --map=varve:changed-since:2 --totals --json "$(nbd_uri job@1)" >totals.json
  "$varve" diff --json job@2 job@1 >diff.json
  expect_equal "$(jq '[.[] | select(.type == 1) | .size] | add' totals.json)" \
    "$(jq .changedBytes diff.json)"
  expect_equal "$(jq '[.[] | select(.type == 3) | .size] | add' totals.json)" \
    "$(jq .clearedBytes diff.json)"
}

test_every_selector_names_a_context() {
  serve_history
  local id selector expected
  id=$("$varve" show --json job@2 | jq -er .id)
  expected=$(map_of job@0 2)
  for selector in "$id" "${id:0:12}" "${id:0:16}" first tag:oldest; do
    expect_equal "$(map_of job@0 "$selector")" "$expected" "$selector"
  done
  expect_equal "$(map_of job@0 "$(date +%F)" | changed)" "" "what changed since today's newest"
}

test_contexts_are_listed() {
  serve_history
  nbdinfo --json "$(nbd_uri job@0)" >info.json
  local id
  for id in $("$varve" revisions --json | jq -r '.[].id'); do
    [[ $id == $(newest_revision job) ]] ||
      jq -e --arg name "varve:changed-since:${id:0:16}" \
        '.exports[0].contexts | index($name)' info.json || fail "$(cat info.json)"
  done
  expect_equal "$(jq '.exports[0].contexts | length' info.json)" 3 "contexts"
}

test_unknown_revisions_are_ignored_and_logged() {
  serve_history
  local selector
  for selector in 99 beefbeefbeef tag:none nonsense! latest/vdb '' 2027-99-99; do
    expect_exit 1 nbdinfo --map="varve:changed-since:$selector" "$(nbd_uri job@0)"
  done
  grep -q 'varve:changed-since:99' serve.log || fail "$(cat serve.log)"
  URI=$(nbd_uri job@0) /usr/bin/python3 - <<'PYTHON'
import nbd, os
h = nbd.NBD()
for context in ["varve:changed-since:99", "varve:changed-since:1", "base:allocation"]:
    h.add_meta_context(context)
h.connect_uri(os.environ["URI"])
assert not h.can_meta_context("varve:changed-since:99")
told = {}
h.block_status(h.get_size(), 0, lambda name, offset, entries, error: told.update({name: entries}))
assert set(told) == {"varve:changed-since:1", "base:allocation"}, told
PYTHON
}

test_other_jobs_and_volumes_are_unknown() {
  "$varve" init
  random_bytes 300000 1 >disk.raw
  "$varve" backup one disk.raw
  "$varve" backup one vda=disk.raw vdb=disk.raw --accept-unusual
  "$varve" backup one vda=disk.raw --accept-unusual
  "$varve" backup two disk.raw
  start_server
  local other
  other=$("$varve" show --json two@0 | jq -er .id)
  expect_exit 1 nbdinfo --map="varve:changed-since:$other" "$(nbd_uri one@0)"
  expect_equal "$(map_of one@0 1)" "0 300000 0"
  expect_equal "$(map_of one@1/vda 0)" "0 300000 0"
  expect_exit 1 nbdinfo --map=varve:changed-since:0 "$(nbd_uri one@1/vdb)"
  # The only volume of a job needs no name.
  expect_equal "$(map_of one@0 2)" "0 300000 0"
}

test_no_data_is_read() {
  serve_history
  rm -r "$VARVE_REPOSITORY/packs/data"
  expect_equal "$(map_of job@1 2 | changed | wc -l)" 3
  expect_exit 1 nbdcopy "$(nbd_uri job@1)" null:
}

# A client that copies the difference and nothing else, in pieces of any size.
copy_difference() {
  SOURCE=$1 CONTEXT=varve:changed-since:$2 TARGET=$3 STEP=$4 /usr/bin/python3 - <<'PYTHON'
import nbd, os
context, step = os.environ["CONTEXT"], int(os.environ["STEP"])
h = nbd.NBD()
h.add_meta_context(context)
h.connect_uri(os.environ["SOURCE"])
assert h.can_meta_context(context)
size, offset = h.get_size(), 0
with open(os.environ["TARGET"], "r+b", buffering=0) as target:
    target.truncate(size)
    while offset < size:
        told = []
        h.block_status(min(step, size - offset), offset, lambda name, start, entries, error: told.extend(entries))
        assert told
        for length, flags in zip(told[::2], told[1::2]):
            if flags & 1:
                content = h.pread(length, offset)
                assert flags & 2 == 0 or not any(content)
                os.pwrite(target.fileno(), content, offset)
            offset += length
PYTHON
}

test_copying_the_difference_makes_the_other_revision() {
  serve_history
  local step
  for step in 1073741824 1000003 131072; do
    cp first.raw copy.raw
    copy_difference "$(nbd_uri job@1)" 2 copy.raw "$step"
    expect_same_bytes second.raw copy.raw
  done
  # Grown and back again, on a copy with something behind its end.
  copy_difference "$(nbd_uri job@0)" first copy.raw 16777216
  expect_same_bytes third.raw copy.raw
  copy_difference "$(nbd_uri job@2)" 0 copy.raw 16777216
  expect_same_bytes first.raw copy.raw
}

test_qemu_maps_the_difference() {
  serve_history
  # For this option every bit 0 is a dirty block, which QEMU shows as "data": false. It rounds the disk up
  # to sectors.
  qemu-img map --output=json --image-opts \
    "driver=nbd,export=job@1,server.type=unix,server.path=$server_socket,x-dirty-bitmap=varve:changed-since:2" \
    >map.json
  expect_equal "$(jq -c '[.[] | select(.data == false and .start < 41943040) | [.start, .length]]' map.json)" \
    "[[$((10 * chunk_bytes)),$chunk_bytes],[$((100 * chunk_bytes)),$((4 * chunk_bytes))],[$((199 * chunk_bytes)),$((2 * chunk_bytes))]]"
}

test_20_TiB_of_which_little_changed() {
  "$varve" init
  make_memory_directory
  local disk=$memory/disk.raw before
  truncate -s 20T "$disk"
  write_random "$disk" $((1 << 40)) 4096 6
  "$varve" backup job "$disk"
  write_random "$disk" $((19 << 40)) 4096 7
  "$varve" backup job "$disk"
  start_server
  before=$SECONDS
  expect_equal "$(map_of job@0 1 | changed)" "$((19 << 40)) $chunk_bytes 1"
  expect_at_most $((SECONDS - before)) 10 "seconds"
}

test_a_forgotten_revision_is_told_of_while_the_client_is_there() {
  serve_history
  URI=$(nbd_uri job@0) REPOSITORY=$VARVE_REPOSITORY ID=$("$varve" show --json job@2 | jq -er .id) \
    /usr/bin/python3 - <<'PYTHON'
import nbd, os
def connect():
    h = nbd.NBD()
    h.add_meta_context("varve:changed-since:" + os.environ["ID"])
    h.connect_uri(os.environ["URI"])
    return h
def ask(h):
    told = []
    h.block_status(h.get_size(), 0, lambda name, offset, entries, error: told.extend(entries))
    return told
h = connect()
before = ask(h)
os.remove(os.path.join(os.environ["REPOSITORY"], "revisions", os.environ["ID"]))
assert ask(h) == before
later = connect()
assert not later.can_meta_context("varve:changed-since:" + os.environ["ID"])
PYTHON
}
