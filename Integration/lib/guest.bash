# A guest with Debian's kernel in which varve itself runs; see testbed/run-guest.

# in_guest_with_varve [OPTION...]: runs the script on standard input in the guest, with the program,
# and $VARVE_REPOSITORY as it is here at /repository, whatever is done to it there. Options are those of
# run-guest. Its output is in $work/guest.log. The script begins with GUEST-PRELUDE below.
in_guest_with_varve() {
  { guest_prelude && cat; } >"$work/guest-script"
  "$integration/testbed/run-guest" -t 300 -m 1536 -p "$varve" -p pgrep -p findmnt -p setsid \
    -k loop -k xfs -k btrfs -f "$VARVE_REPOSITORY:/repository" "$@" "$work/guest-script" \
    >"$work/guest.log" 2>&1 || fail "$(cat "$work/guest.log")"
}

guest_prelude() {
  cat <<PRELUDE
set -e -o pipefail
mkdir -p /var/lib /var/tmp /mnt2
mount -t tmpfs tmpfs /var
mkdir -p /var/lib /var/tmp
export VARVE_REPOSITORY=/repository PATH=\$PATH:${varve%/*}
PRELUDE
  cat <<'PRELUDE'
fail() { echo "FAILED: $*"; exit 1; }
# refused PATTERN COMMAND...: it fails, and says why.
refused() {
  local pattern=$1 said
  shift
  ! said=$("$@" 2>&1) || fail "not refused: $*"
  grep -qiE -- "$pattern" <<<"$said" || fail "$* said: $said"
}
wait_until() {
  local tenths - && set +x
  for ((tenths = 0; tenths < 200; tenths++)); do
    ! "$@" || return 0
    sleep 0.1
  done
  fail "waited for $*"
}
expect_nothing_left() {
  [ "$(ls /var/lib/varve/local-volumes)" = lock ] || fail "left: $(ls /var/lib/varve/local-volumes)"
  ! pgrep -af 'varve serve' || fail "a server is left"
  ! ls /sys/block/nbd*/pid 2>/dev/null || fail "a device is left"
  ! ls /sys/block/loop*/loop/backing_file 2>/dev/null || fail "a loop device is left"
}
set -x
PRELUDE
}
