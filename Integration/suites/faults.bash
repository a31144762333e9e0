# Real faults: every kind of file spoilt in every way, file systems that refuse, processes that die. Each
# is reported, reaches only what it touches, and never becomes data.

# repository_with_every_kind_of_file [INIT_OPTION...]: small, with the jobs one and two.
repository_with_every_kind_of_file() {
  "$varve" init --chunk-size 64KiB "$@"
  random_bytes 400000 1 >one.raw
  random_bytes 300000 2 >two.raw
  "$varve" backup one one.raw --attach "notes.txt=$project/README.md"
  "$varve" backup two two.raw
  write_random one.raw 100000 3000 3
  "$varve" backup one one.raw --tag keep
  "$varve" tag add two@latest keep
  "$varve" policy set --keep-last 99
  note_a_copy_in_the_quarantine
  leave_a_session_and_more
  expect_every_kind_of_file
}

# Else a kind that no file is of any more would be spoilt no more, and nobody would notice.
expect_every_kind_of_file() {
  local kind
  for kind in config keys packs/data packs/maps revisions marks sessions forgotten condemned quarantine \
    policy index; do
    [[ $kind == keys && $VARVE_REPOSITORY != */sealed ]] ||
      [[ -n $(find "$VARVE_REPOSITORY/$kind" -type f ! -name lock) ]] || fail "there is no file in $kind"
  done
}

# A copy that was damaged, is stored again, and whose pack was put back since.
note_a_copy_in_the_quarantine() {
  local pack
  random_bytes 200000 4 >three.raw
  "$varve" backup three three.raw
  pack=$(find "$VARVE_REPOSITORY/packs/data" -type f -newer three.raw | head -n 1)
  cp "$pack" good
  printf damaged | dd of="$pack" bs=1 seek=5000 conv=notrunc status=none
  expect_exit 1 "$varve" verify three@latest
  "$varve" backup healer three.raw
  cp good "$pack"
  expect_exit 0 "$varve" verify three@latest --sample 100%
}

# The process that stores is killed after a collection has condemned what it might rely on, and a
# revision was forgotten since.
leave_a_session_and_more() {
  random_bytes 500000 5 >gone.raw
  "$varve" backup gone gone.raw
  "$varve" forget --job gone --yes
  mkfifo pipe
  "$varve" backup blocked - <pipe &
  local pid=$!
  exec 4>pipe
  wait_until 20 a_session_is_there || fail "the backup did not begin"
  "$varve" gc --yes
  "$varve" backup forgotten two.raw
  "$varve" forget --job forgotten --yes
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
  exec 4>&-
  rm pipe
}

a_session_is_there() { [[ -n $(find "$VARVE_REPOSITORY/sessions" -type f) ]]; }

spoil_every_file() {
  local seed=${VARVE_SEED:-$RANDOM} rounds=1
  if long_tests; then rounds=3; fi
  echo "VARVE_SEED=$seed"
  expect_exit 0 "$varve" check-repository
  python3 "$integration/lib/spoil-files.py" \
    "$varve" "$VARVE_REPOSITORY" "$seed" "$rounds" one=one.raw two=two.raw
  expect_exit 0 "$varve" check-repository
  expect_exit 0 "$varve" verify --all
}

test_spoilt_files_of_every_kind() {
  repository_with_every_kind_of_file
  spoil_every_file
}

test_spoilt_files_of_every_kind_in_an_encrypted_repository() {
  head -c 64 /dev/urandom >keyfile
  "$varve" init sealed --chunk-size 64KiB --encrypt keyfile --key-file keyfile
  # The program takes the key from here in every call.
  printf '#!/bin/bash\nexec %q "$@" --key-file %q\n' "$varve" "$work/keyfile" >with-key
  chmod +x with-key
  export VARVE_REPOSITORY=$work/sealed varve=$work/with-key
  rm -rf sealed
  repository_with_every_kind_of_file --encrypt keyfile
  spoil_every_file
}

test_swapped_packs_get_their_names_back() {
  "$varve" init
  random_bytes 50000000 1 >disk.raw
  "$varve" backup job disk.raw
  local first second
  first=$(data_packs | sed -n 1p)
  second=$(data_packs | sed -n 2p)
  mv "$first" swap
  mv "$second" "$first"
  mv swap "$second"
  rm -r "$VARVE_REPOSITORY/index"
  expect_exit 1 "$varve" check-repository
  expect_exit 0 "$varve" check-repository --fix
  expect_exit 0 "$varve" verify --all
  "$varve" restore job@latest - | cmp - disk.raw
}

test_pack_of_another_repository_is_moved_away() {
  "$varve" init
  random_bytes 1000000 1 >disk.raw
  "$varve" backup job disk.raw
  "$varve" init -r stranger
  random_bytes 1000000 2 >other.raw
  "$varve" backup -r stranger job other.raw
  cp -a stranger/packs "$VARVE_REPOSITORY/"
  expect_exit 1 "$varve" check-repository
  expect_output 'belongs to repository'
  expect_exit 0 "$varve" backup job disk.raw
  expect_exit 0 "$varve" check-repository --fix
  expect_exit 0 "$varve" check-repository
  "$varve" restore job@latest - | cmp - disk.raw
}

test_read_only_file_system() {
  needs_root
  "$varve" init
  random_bytes 5000000 1 >disk.raw
  "$varve" backup job disk.raw
  printf damaged | dd of="$(data_packs)" bs=1 seek=1000000 conv=notrunc status=none
  mount --bind "$VARVE_REPOSITORY" "$VARVE_REPOSITORY" || skip "no bind mounts here"
  defer unmount "$VARVE_REPOSITORY"
  mount -o remount,bind,ro "$VARVE_REPOSITORY"
  expect_exit 1 "$varve" verify --all
  expect_output 'not recorded'
  expect_exit 1 "$varve" check-repository
  expect_output 'lost: job@'
  expect_exit 1 "$varve" check-repository --fix
  expect_output 'nothing can be repaired .* read-only'
  expect_exit 1 "$varve" distrust job@latest
  expect_output 'read-only'
  expect_exit 0 "$varve" quarantine
  "$varve" init -r other
  "$varve" backup -r other job disk.raw
  expect_exit 1 "$varve" repair --from other
  expect_output 'read-only'
  # The other repository may be the one that cannot be written to.
  expect_exit 0 "$varve" repair -r other --from "$VARVE_REPOSITORY"
}

test_full_file_system() {
  small_file_system 60M
  export VARVE_REPOSITORY=$small/repository
  "$varve" init
  random_bytes 15000000 1 >disk.raw
  "$varve" backup job disk.raw
  cp -a "$VARVE_REPOSITORY" copy
  printf damaged | dd of="$(data_packs)" bs=1 seek=1000000 conv=notrunc status=none
  expect_exit 1 "$varve" verify --all
  fill_to_the_last_block
  # Neither has room, neither takes anything away.
  local before
  before=$(find "$small/repository" -name index -prune -o -type f -print | sort)
  expect_exit 1 "$varve" check-repository --fix
  expect_output 'space'
  expect_exit 1 "$varve" repair --from copy
  expect_output 'space'
  expect_equal "$(find "$small/repository" -name index -prune -o -type f -print | sort)" "$before" "files"
  rm "$small/ballast"
  expect_exit 0 "$varve" repair --from copy
  expect_exit 0 "$varve" check-repository --fix
  "$varve" restore job@latest - | cmp - disk.raw
}

# as_nobody COMMAND...: without the right to read what only its owner may.
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

test_missing_permission_is_no_damage() {
  needs_root
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  "$varve" backup job disk.raw --verify none
  chmod 755 "$work"
  cp "$varve" varve-for-all
  chown -R 65534:65534 "$VARVE_REPOSITORY" varve-for-all
  as_nobody test -x "$work/varve-for-all" || skip "nobody may not look into $work"
  local pack
  pack=$(data_packs)
  chown 0:0 "$pack"
  export HOME=$work/home XDG_CACHE_HOME=$work/home
  mkdir home
  chown 65534:65534 home
  local command
  for command in "verify --all" "check-repository" "check-repository --fix" "restore job@latest -"; do
    # shellcheck disable=SC2086
    expect_exit 1 as_nobody "$work/varve-for-all" $command
    expect_output 'permission denied'
  done
  expect_equal "$("$varve" show --json job@latest | jq -er .trust)" trusted
  expect_equal "$("$varve" quarantine --json | jq length)" 0 "copies in the quarantine"
  [[ -e $pack ]] || fail "the pack is gone"
  expect_exit 0 "$varve" verify --all
}

test_limit_for_the_size_of_files_is_an_error() {
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  expect_exit 1 prlimit --fsize=1000000 "$varve" backup job disk.raw
  expect_output 'File too large'
  expect_exit 0 "$varve" backup job disk.raw
  expect_exit 1 prlimit --fsize=1000000 "$varve" restore job@latest restored.raw
  expect_output 'File too large'
}

# storm_worker NUMBER SECONDS: backs up a disk of its own again and again, and looks after the
# repository; every program may be killed at any moment. Leaves the sum of each state that a backup
# said is stored, and the ids that may have been forgotten.
storm_worker() {
  local number=$1 end=$((SECONDS + $2)) pid status disk=disk-$1.raw id
  touch "forgotten-$number"
  RANDOM=$((seed + number))
  random_bytes 1500000 "$number" >"$disk"
  while ((SECONDS < end)); do
    write_random "$disk" $((RANDOM * 40)) 20000 "$RANDOM"
    case $((RANDOM % 10)) in
      0) "$varve" verify "job-$number@latest" >/dev/null 2>&1 & ;;
      1) "$varve" check-repository --fix --packs quick >/dev/null 2>&1 & ;;
      2) "$varve" gc --yes >/dev/null 2>&1 & ;;
      3) "$varve" distrust "job-$number@latest" >/dev/null 2>&1 & ;;
      4) forget_before_newest "$number" & ;;
      *) "$varve" backup "job-$number" "$disk" --verify none --json >"report-$number" 2>/dev/null & ;;
    esac
    pid=$!
    if ((RANDOM % 2 == 0)); then
      sleep "0.$(printf '%03d' $((RANDOM % 150 + 5)))"
      ! kill -KILL "$pid" 2>/dev/null || echo killed >>"killed-$number"
    fi
    status=0
    wait "$pid" 2>/dev/null || status=$?
    echo run >>"ran-$number"
    if ((status == 0)) && [[ -s report-$number ]] && id=$(jq -er .id "report-$number" 2>/dev/null); then
      echo "$(sha256sum <"$disk" | cut -d' ' -f1) $id" >>"stored-$number"
    fi
    rm -f "report-$number"
  done
}

# forget_before_newest NUMBER: and so leave something to collect.
forget_before_newest() {
  local id
  id=$("$varve" show "job-$1@1" --json 2>/dev/null | jq -er .id) || return 0
  echo "$id" >>"forgotten-$1"
  exec "$varve" forget "$id" >/dev/null 2>&1
}

test_storm_of_kills() {
  "$varve" init
  seed=${VARVE_SEED:-$RANDOM}
  echo "VARVE_SEED=$seed"
  local seconds=${VARVE_STORM_SECONDS:-30} number pids=()
  if long_tests; then seconds=${VARVE_STORM_SECONDS:-300}; fi
  for number in 0 1 2 3 4 5 6 7 8 9; do
    storm_worker "$number" "$seconds" &
    pids+=($!)
  done
  for number in "${pids[@]}"; do wait "$number"; done
  local ran killed stored sum id
  grep --invert-match --fixed-strings --file <(cat forgotten-*) <(cat stored-*) >kept || true
  ran=$(cat ran-* | wc -l)
  killed=$(cat killed-* 2>/dev/null | wc -l)
  stored=$(cat stored-* | wc -l)
  echo "$ran programs ran, $killed were killed, $stored revisions were stored, $(wc -l <kept) kept"
  expect_at_least "$killed" 10 "programs killed"
  expect_at_least "$stored" 10 "revisions stored"
  expect_at_least "$(cat forgotten-* | wc -l)" 1 "revisions forgotten"
  expect_exit 0 "$varve" check-repository
  while read -r sum id; do
    expect_equal "$("$varve" restore "$id" - | sha256sum | cut -d' ' -f1)" "$sum" "revision $id"
  done <kept
  expect_exit 0 "$varve" verify --all
  expect_exit 0 "$varve" check-repository --fix
  expect_exit 0 "$varve" gc
  expect_exit 0 "$varve" verify --all
  expect_equal "$(find "$VARVE_REPOSITORY/sessions" -type f | wc -l)" 0 "sessions left"
}
