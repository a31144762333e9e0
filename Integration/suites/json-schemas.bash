# Every document that a command prints with --json is as its schema says.

schemas=$project/Sources/Administration/Administration.docc/Schemas

# validate NAME COMMAND...: runs the command; its document is checked, and stays in the file `document`.
# An exit status of 1 is right where the document says what was found.
validate() {
  local name=$1 status=0
  shift
  "$varve" --json "$@" 2>messages >document || status=$?
  ((status <= 1)) || fail "$*: $(cat messages document)"
  python3 "$integration/lib/validate-documents.py" "$schemas" "$name" document >faults ||
    fail "$*: $(cat faults document)"
}

test_schemas_are_valid_and_strict() {
  python3 "$integration/lib/validate-documents.py" "$schemas" >faults || fail "$(cat faults)"
}

test_every_schema_is_in_the_documentation() {
  local name page=$project/Sources/Administration/Administration.docc/Documents.md
  for name in "$schemas"/*.json; do
    grep -q "(Schemas/$(basename "$name"))" "$page" || fail "$page does not list $name"
  done
}

test_a_wrong_document_is_told() {
  printf '{"id": "abc", "job": "web01", "tags": [], "more": 1}\n' >document
  expect_exit 1 python3 "$integration/lib/validate-documents.py" "$schemas" revision-tags document
  expect_output "'abc' does not match"
  expect_output "'more' was unexpected"
}

test_documents_of_lists_and_changes() {
  export VARVE_OVERLAYS=$work/overlays
  validate created-repository init --chunk-size 64KiB
  validate error backup web01 nothing.raw
  random_bytes 700000 1 >disk.raw
  printf '<domain/>' >domain.xml
  validate backup backup web01 disk.raw --tag nightly --attach domain.xml
  printf changed | dd of=disk.raw bs=1 seek=100000 conv=notrunc status=none
  truncate -s 900000 disk.raw
  validate backup backup web01 disk.raw
  random_bytes 500000 2 >db.raw
  validate backup backup db01 db.raw
  validate revisions revisions
  validate revision show web01
  validate tags tag list
  validate revision-tags tag add web01 a b
  validate revision-tags tag remove web01 a
  validate protection protect web01 db01
  validate protection unprotect web01 db01
  validate distrust distrust web01@1
  validate distrust distrust --from 2000-01-01
  validate distrust distrust web01@1 --undo
  validate difference diff web01@1 web01@0
  validate usage usage
  validate policy policy set web01 --keep-last 3 --keep-within 30d --keep-tag nightly
  validate policy policy set --keep-schedule daily=1d:9 --keep-daily 7 --time-zone Europe/Berlin
  validate policy policy show web01
  validate policies policy show
  validate usage usage
  validate job-usage usage web01
  validate prune prune --dry-run
  validate prune prune --keep-last 1 --dry-run --orphaned-after 1h
  validate policy policy remove web01
  validate index index show
  validate index-rebuild index rebuild
  validate configuration config show
  validate configuration config set --compression zstd:-3
  validate quarantine quarantine
  validate restore restore web01 out.raw --verify
  validate verification verify --all
  validate verification verify web01 --sample 50%
  validate inspection check-repository
  validate collection gc --dry-run
  validate renamed-job rename-job db01 db02
  validate forget forget web01@1 --dry-run
  validate forget forget --job db02 --yes
  validate collection gc --yes
  validate prune prune --keep-last 1
}

test_documents_of_keys() {
  head -c 64 /dev/urandom >key
  validate created-repository init --encrypt keyfile --key-file key
  validate added-key key add --key-file key --new-key-file other --label second
  local added
  added=$(jq -r .id document)
  validate keys key list --key-file key
  validate paper-key key export --key-file key
  jq -er .paperKey document >paper
  validate added-key key import paper --new-key-file third
  validate removed-key key remove --key-file key "$added"
}

test_documents_of_overlays_pins_and_servers() {
  export VARVE_OVERLAYS=$work/overlays
  "$varve" init
  random_bytes 300000 1 >disk.raw
  "$varve" backup web01 disk.raw
  validate server serve web01 --overlay scratch --unix "$work/socket" --daemonize --pidfile "$work/pid"
  local server
  server=$(cat pid)
  defer stop_process "$server"
  nbdinfo "nbd+unix:///?socket=$work/socket"
  validate clients clients
  validate overlays overlay list
  validate pins pin list
  stop_process "$server"
  validate backup overlay commit scratch --keep
  validate removed-overlay overlay remove scratch
  validate pins pin list
}

test_documents_about_damage() {
  "$varve" init --chunk-size 64KiB
  random_bytes 700000 1 >disk.raw
  "$varve" backup web01 disk.raw --verify none
  cp -a "$VARVE_REPOSITORY" copy
  local pack
  pack=$(find "$VARVE_REPOSITORY/packs/data" -type f)
  printf damage | dd of="$pack" bs=1 seek=100000 conv=notrunc status=none
  validate verification verify --all
  jq -e '.isClean | not' document
  validate quarantine quarantine
  jq -e 'length == 1' document
  validate inspection check-repository
  validate restore restore web01 out.raw --skip-damaged
  jq -e '.gaps | length == 1' document
  validate collection gc --yes
  validate repair repair --from copy --dry-run
  validate repair repair --from copy
  jq -e .isComplete document
}

test_documents_of_mounts() {
  needs_root
  needs_loop
  needs_fuse
  export VARVE_LOCAL_VOLUMES=$work/local-volumes
  mkdir -p mounted
  defer "$varve" umount mounted
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  validate mounts mount
  validate mounted-directory mount web01 mounted
  validate mounts mount
  validate unmounted-directory umount mounted
}
