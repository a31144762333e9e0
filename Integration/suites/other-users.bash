# Repositories that others may write to or only read, links in the place of directories, and file
# systems that answer oddly.

# as_user UID GID COMMAND...: as that user, who is in no other group.
as_user() { setpriv --reuid "$1" --regid "$2" --clear-groups "${@:3}"; }

# for_all: makes the program and the test's directory usable for every user, and gives each a cache of
# its own; sets `program`.
for_all() {
  needs_root
  chmod 755 "$work"
  cp "$varve" "$work/varve-for-all"
  chmod 755 "$work/varve-for-all"
  program=$work/varve-for-all
  as_user 4242 4242 test -x "$program" || skip "other users may not look into $work"
  mkdir -m 1777 "$work/caches"
}

# varve_as UID GID ARGUMENT...: the program as that user.
varve_as() { as_user "$1" "$2" env XDG_CACHE_HOME="$work/caches/$1" "$program" "${@:3}"; }

# without_session_times: of a listing; whoever looks has a session of its own meanwhile.
without_session_times() { sed -E 's/^(sessions d [0-9]+ [0-9]+) [0-9.]+ [0-9.]+/\1/'; }

# make_victim: a directory with files whose names every directory of a repository might have.
make_victim() {
  local digits=0123456789abcdef
  mkdir victim
  touch victim/{"$digits$digits","$digits$digits$digits$digits",".tmp-$digits",lock,precious,config}
  mkdir victim/01
  touch "victim/01/$digits$digits$digits$digits"
  touch -d '2 days ago' victim/* victim/.tmp-*
}

make_repository() {
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  "$varve" backup job disk.raw
  "$varve" backup other disk.raw
  write_random disk.raw 100000 1000000 2
  "$varve" backup job disk.raw
  "$varve" forget job@1
  "$varve" gc --yes
}

test_no_directory_of_a_repository_is_reached_through_a_link() {
  make_repository
  make_victim
  mkdir -p "$VARVE_REPOSITORY"/{forgotten,condemned,quarantine}
  local before directory command
  before=$(listing victim)
  for directory in sessions quarantine condemned forgotten marks keys revisions packs packs/data \
    packs/maps; do
    mv "$VARVE_REPOSITORY/$directory" aside
    ln -s "$work/victim" "$VARVE_REPOSITORY/$directory"
    for command in "backup job disk.raw" "usage" "gc --dry-run" "gc --yes --accept-losses" \
      "check-repository --fix" "tag add job@latest x"; do
      # shellcheck disable=SC2086
      "$varve" $command >said 2>&1 || true
      expect_equal "$(listing victim)" "$before" "what a link at $directory leads to, after $command"
    done
    expect_exit 1 "$varve" check-repository
    expect_output "$directory is a symbolic link"
    rm "$VARVE_REPOSITORY/$directory"
    mv aside "$VARVE_REPOSITORY/$directory"
  done
  expect_exit 0 "$varve" check-repository
  # The repository itself may be named by a link.
  ln -s "$VARVE_REPOSITORY" link
  expect_exit 0 "$varve" verify --all -r link
}

test_links_that_come_and_go_while_commands_run() {
  make_repository
  make_victim
  local before
  before=$(listing victim)
  /usr/bin/python3 - "$VARVE_REPOSITORY" "$work/victim" <<'PYTHON' &
import os, sys
repository, victim = sys.argv[1:]
while True:
    for name in ("sessions", "condemned", "marks", "forgotten"):
        path = os.path.join(repository, name)
        if not os.path.isdir(path): continue
        try:
            os.rename(path, path + ".aside")
            os.symlink(victim, path)
            os.unlink(path)
        except OSError: pass
        if not os.path.lexists(path): os.rename(path + ".aside", path)
        elif os.path.isdir(path + ".aside") and not os.path.islink(path):
            # A command made the directory anew meanwhile.
            for left in os.listdir(path): os.unlink(os.path.join(path, left))
            os.rmdir(path)
            os.rename(path + ".aside", path)
PYTHON
  local swapper=$! round
  defer kill -KILL "$swapper"
  for ((round = 0; round < 6; round++)); do
    "$varve" backup job disk.raw --verify none >said 2>&1 || true
    "$varve" gc --yes >said 2>&1 || true
    "$varve" check-repository --fix --packs quick >said 2>&1 || true
  done
  kill -0 "$swapper" || fail "nothing was swapped"
  kill -KILL "$swapper"
  expect_equal "$(listing victim)" "$before" "what the links led to"
}

test_only_files_of_the_exact_form_are_removed() {
  make_repository
  mkdir -p "$VARVE_REPOSITORY"/{forgotten,condemned,quarantine}
  make_victim
  local digits=0123456789abcdef directory name
  local session=$digits$digits digest=$digits$digits$digits$digits
  for directory in . sessions condemned quarantine forgotten marks revisions packs/data packs/maps; do
    for name in notes.txt .tmp-notes ".tmp-${digits^^}" ".tmp-${digits}0" "${session^^}" "${session}0"; do
      echo "of somebody else" >"$VARVE_REPOSITORY/$directory/$name"
    done
  done
  ln -s "$work/victim/precious" "$VARVE_REPOSITORY/sessions/$session"
  mkfifo "$VARVE_REPOSITORY/sessions/${session/0/f}"
  mkdir "$VARVE_REPOSITORY/condemned/$session"
  ln -s "$work/victim/precious" "$VARVE_REPOSITORY/forgotten/$digest"
  ln -s "$work/victim/precious" "$VARVE_REPOSITORY/marks/.tmp-$digits"
  local before victim
  before=$(foreign_files)
  victim=$(listing victim)
  touch "$VARVE_REPOSITORY/sessions/${session/0/a}" "$VARVE_REPOSITORY/sessions/.tmp-$digits" \
    "$VARVE_REPOSITORY/packs/data/.tmp-$digits"
  "$varve" backup job disk.raw
  [[ ! -e $VARVE_REPOSITORY/sessions/${session/0/a} ]] || fail "a session that is over is still there"
  [[ ! -e $VARVE_REPOSITORY/sessions/.tmp-$digits ]] || fail "an unfinished session is still there"
  "$varve" gc --yes
  [[ ! -e $VARVE_REPOSITORY/packs/data/.tmp-$digits ]] || fail "an unfinished pack is still there"
  "$varve" check-repository --fix || true
  "$varve" distrust job@latest
  "$varve" backup job disk.raw
  expect_equal "$(foreign_files)" "$before" "files of somebody else"
  expect_equal "$(listing victim)" "$victim" "what the links lead to"
}

# foreign_files: in the repository, that no program made.
foreign_files() {
  find "$VARVE_REPOSITORY" -name index -prune -o \( -type l -o -type p -o -path '*/condemned/0*' -o \
    -type f -size -2 -exec grep -q 'of somebody else' {} \; \) -printf '%P %y %i %s\n' | sort
}

test_looking_changes_nothing() {
  make_repository
  local digits=0123456789abcdef command before
  touch -d '2 days ago' "$VARVE_REPOSITORY/sessions/$digits$digits" \
    "$VARVE_REPOSITORY"/{sessions,packs/data,marks}/.tmp-"$digits"
  rm -f "$VARVE_REPOSITORY/marks/lock"
  rm -rf "$VARVE_REPOSITORY"/{condemned,quarantine}
  for command in usage "gc --dry-run" revisions "show job@latest" check-repository \
    "prune --dry-run --keep-last 1" "policy show" "tag list" quarantine "key list" \
    "restore job@latest -" "diff job@latest other@latest"; do
    before=$(listing "$VARVE_REPOSITORY" | without_session_times)
    # shellcheck disable=SC2086
    "$varve" $command >said 2>errors || [[ $command == "policy show" || $command == "diff"* || \
      $command == "key list" ]] || fail "$command: $(<errors)"
    expect_equal "$(listing "$VARVE_REPOSITORY" | without_session_times)" "$before" \
      "the repository after $command"
  done
}

test_root_leaves_files_that_the_owner_can_use() {
  for_all
  mkdir -m 700 "$VARVE_REPOSITORY"
  chown 4242:4243 "$VARVE_REPOSITORY"
  make_repository
  "$varve" tag add job@latest kept
  "$varve" policy set job --keep-last 3
  expect_equal "$(find "$VARVE_REPOSITORY" -name index -prune -o \( ! -user 4242 -o ! -group 4243 \) -print)" "" "files of others"
  expect_equal "$(find "$VARVE_REPOSITORY" -perm /077)" "" "files that others may use"
  chmod 644 disk.raw
  varve_as 4242 4243 backup job disk.raw
  varve_as 4242 4243 verify --all
  varve_as 4242 4243 gc --yes
  varve_as 4242 4243 check-repository --fix
  varve_as 4242 4243 restore job@latest - | cmp - disk.raw
  "$varve" backup job disk.raw
  expect_equal "$(find "$VARVE_REPOSITORY" -name index -prune -o ! -user 4242 -print)" "" "files of others"
}

test_group_shares_a_repository() {
  for_all
  mkdir "$VARVE_REPOSITORY"
  chown 0:4300 "$VARVE_REPOSITORY"
  chmod 2770 "$VARVE_REPOSITORY"
  random_bytes 3000000 1 >disk.raw
  chmod 644 disk.raw
  # Whatever their umask.
  (umask 077 && varve_as 5001 4300 init && varve_as 5001 4300 backup job disk.raw)
  varve_as 5002 4300 backup job disk.raw
  varve_as 5002 4300 backup other disk.raw
  varve_as 5001 4300 forget job@1
  "$varve" backup third disk.raw
  varve_as 5002 4300 gc --yes
  varve_as 5001 4300 check-repository --fix
  varve_as 5001 4300 verify --all
  varve_as 5002 4300 tag add third@latest kept
  expect_equal "$(find "$VARVE_REPOSITORY" -name index -prune -o \( ! -group 4300 -o -perm /007 \) -print)" "" \
    "files that the group does not have, or others do"
}

test_a_directory_that_mkdir_made_shares_nothing() {
  mkdir -m 755 "$VARVE_REPOSITORY"
  make_repository
  expect_equal "$(find "$VARVE_REPOSITORY" -mindepth 1 -perm /077)" "" "files that others may use"
}

test_user_who_may_only_read() {
  for_all
  mkdir "$VARVE_REPOSITORY"
  chown 4242:4300 "$VARVE_REPOSITORY"
  chmod 750 "$VARVE_REPOSITORY"
  make_repository
  local before
  before=$(listing "$VARVE_REPOSITORY")
  varve_as 5001 4300 restore job@latest - | cmp - disk.raw
  expect_exit 0 varve_as 5001 4300 verify --all
  expect_output 'not recorded'
  expect_exit 0 varve_as 5001 4300 revisions
  expect_exit 0 varve_as 5001 4300 usage
  expect_exit 0 varve_as 5001 4300 gc --dry-run
  expect_exit 0 varve_as 5001 4300 check-repository
  expect_exit 1 varve_as 5001 4300 backup job disk.raw
  expect_output 'belongs to user ID 4242, and this process runs as user ID 5001'
  expect_exit 1 varve_as 5001 4300 forget job@latest
  varve_as 5001 4300 forget --json --yes job@latest >document 2>messages && fail "another user forgot it"
  jq -e '.error.code == "permission-denied"' document
  expect_exit 1 varve_as 5001 4300 gc --yes
  expect_equal "$(listing "$VARVE_REPOSITORY")" "$before" "the repository"
}

test_user_who_would_lock_the_owner_out() {
  for_all
  mkdir "$VARVE_REPOSITORY"
  chown 4242:4242 "$VARVE_REPOSITORY"
  chmod 777 "$VARVE_REPOSITORY"
  expect_exit 1 varve_as 5001 5001 init
  expect_output 'belongs to user ID 4242, who could not use the files .* user ID 5001'
  expect_equal "$(find "$VARVE_REPOSITORY" -mindepth 1)" "" "what is left"
}

test_closed_descriptors() {
  "$varve" init >&- 2>&- <&-
  random_bytes 3000000 1 >disk.raw
  local closed
  for closed in "2" "0 1" "0 1 2"; do
    local close="" number
    for number in $closed; do close+=" $number>&-"; done
    eval "\"\$varve\" backup job disk.raw --verify full $close"
    eval "\"\$varve\" tag add job@latest 't-${closed// /}' $close"
    eval "\"\$varve\" verify nosuch@latest $close" || true
    eval "\"\$varve\" backup empty - 0<&- $close" && fail "a backup of a closed descriptor was made"
    eval "\"\$varve\" gc --yes $close"
    eval "\"\$varve\" check-repository --fix $close"
  done
  "$varve" check-repository
  "$varve" restore job@latest - | cmp - disk.raw
  grep -rlE 'varve: |verified|job@' "$VARVE_REPOSITORY" && fail "a message is in a file"
  "$varve" serve --unix "$work/closed.sock" <&- >&- 2>&- &
  defer stop_process $!
  wait_until 10 test -S "$work/closed.sock"
  for number in 0 1 2; do
    expect_equal "$(readlink "/proc/$!/fd/$number")" /dev/null "descriptor $number of the server"
  done
}

test_places_where_nothing_can_be_made() {
  random_bytes 1000000 1 >disk.raw
  local place
  for place in /proc/x /proc/self/x/y /sys/x /sys/kernel/x/y /dev/null/x disk.raw disk.raw/x; do
    expect_exit 1 "$varve" init -r "$place"
    expect_output "(make|create) .*${place%/*}"
  done
  "$varve" init
  "$varve" backup job disk.raw
  for place in /proc/x /sys/x /dev/null/x; do
    expect_exit 1 "$varve" restore job@latest "$place"
    expect_exit 1 "$varve" serve --writable --overlay-directory "$place/y" --unix "$work/sock"
    expect_exit 1 "$varve" revisions -r "$place"
    expect_exit 1 env VARVE_RUNTIME="$place/y" "$varve" serve --unix "$work/sock" --pidfile "$place/y"
  done
  XDG_CACHE_HOME=/proc/x "$varve" revisions
}

# make_shim NAME: a library that takes the place of functions of the C library, from standard input.
make_shim() { gcc -shared -fPIC -O1 -w -D_GNU_SOURCE -x c - -o "$work/$1.so" -ldl; }

test_directories_that_cannot_be_synchronised() {
  local number
  for number in EINVAL EOPNOTSUPP; do
    make_shim "$number" <<C
#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>
int fsync(int fd) {
  struct stat s;
  if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode)) { errno = $number; return -1; }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
C
    rm -rf "$VARVE_REPOSITORY"
    random_bytes 3000000 1 >disk.raw
    expect_exit 0 env LD_PRELOAD="$work/$number.so" "$varve" init
    expect_exit 0 env LD_PRELOAD="$work/$number.so" "$varve" backup job disk.raw
    expect_equal "$(grep -c 'cannot flush directories to disk' <<<"$output")" 1 "warnings"
    expect_exit 0 env LD_PRELOAD="$work/$number.so" "$varve" restore job@latest restored.raw
    cmp restored.raw disk.raw
    rm restored.raw
  done
}

test_open_files_that_cannot_be_renamed() {
  make_shim rename <<'C'
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
int renameat(int od, const char *o, int nd, const char *n) {
  struct stat s, t;
  if (fstatat(od, o, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(s.st_mode))
    for (int fd = 0; fd < 256; fd++)
      if (fstat(fd, &t) == 0 && t.st_dev == s.st_dev && t.st_ino == s.st_ino) { errno = EBUSY; return -1; }
  return ((int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat"))(od, o, nd, n);
}
C
  expect_exit 1 env LD_PRELOAD="$work/rename.so" "$varve" init
  expect_output 'cannot rename an open file.*EBUSY'
  [[ ! -e $VARVE_REPOSITORY/config ]] || fail "the repository was made"
  expect_exit 0 "$varve" init
}

test_locks_that_keep_nobody_out() {
  make_shim flock <<'C'
int flock(int fd, int operation) { return 0; }
C
  expect_exit 0 env LD_PRELOAD="$work/flock.so" "$varve" init
  expect_output 'file locks do not work'
  random_bytes 3000000 1 >disk.raw
  mkfifo pipe
  "$varve" backup slow - <pipe &
  local slow=$!
  exec 9>pipe
  wait_until 10 has_session
  # What would look like the session of a process that is gone.
  expect_exit 0 env LD_PRELOAD="$work/flock.so" "$varve" backup job disk.raw
  env LD_PRELOAD="$work/flock.so" "$varve" check-repository --fix || true
  expect_exit 1 env LD_PRELOAD="$work/flock.so" "$varve" gc --yes
  expect_output 'nothing is deleted.*file locks do not work'
  has_session || fail "the session of a running backup was removed"
  cat disk.raw >&9
  exec 9>&-
  wait "$slow"
  "$varve" restore slow@latest - | cmp - disk.raw
  "$varve" gc --yes
}

# has_session: whether somebody uses the repository.
has_session() { compgen -G "$VARVE_REPOSITORY/sessions/????????????????????????????????" >/dev/null; }

test_file_times_that_are_off_by_hours() {
  "$varve" init
  mkfifo pipe
  "$varve" backup slow - <pipe >said 2>&1 &
  local slow=$! digits=0123456789abcdef
  exec 9>pipe
  wait_until 10 has_session
  local unfinished=$VARVE_REPOSITORY/packs/data/.tmp-$digits
  touch -d '5 hours ago' "$unfinished"
  "$varve" check-repository --fix || true
  [[ -e $unfinished ]] || fail "a file that a running backup may be writing was removed"
  random_bytes 3000000 1 >&9
  exec 9>&-
  wait "$slow"
  touch -d '5 hours' "$unfinished" "$VARVE_REPOSITORY/marks/.tmp-$digits" \
    "$VARVE_REPOSITORY/keys/.tmp-$digits"
  "$varve" check-repository --fix
  expect_equal "$(find "$VARVE_REPOSITORY" -name '.tmp-*')" "" "unfinished files"
}

test_socket_is_not_changed_through_a_link() {
  for_all
  mkdir shared
  chmod 777 shared
  echo secret >victim
  chmod 600 victim
  make_repository
  local before
  before=$(stat -c '%a %u %g' victim)
  /usr/bin/python3 - "$work/shared/s" "$work/victim" <<'PYTHON' &
import os, sys
path, victim = sys.argv[1:]
while True:
    try:
        if os.path.exists(path) and not os.path.islink(path):
            os.rename(path, path + ".taken")
            os.symlink(victim, path)
    except OSError: pass
PYTHON
  local swapper=$! round
  defer kill -KILL "$swapper"
  for round in 1 2 3 4 5; do
    rm -f shared/s
    timeout 3 "$varve" serve --unix "$work/shared/s" --unix-mode 666 >said 2>&1 || true
    expect_equal "$(stat -c '%a %u %g' victim)" "$before" "mode and owner of what the link leads to"
  done
}

test_pid_file_replaces_files_only() {
  make_repository
  echo precious >victim
  ln -s "$work/victim" pid
  expect_exit 1 timeout 10 "$varve" serve --unix "$work/s" --pidfile pid
  expect_output 'symbolic link'
  expect_equal "$(<victim)" precious "what the link leads to"
  expect_exit 1 timeout 10 "$varve" serve --unix "$work/s" --pidfile /dev/null
  [[ -c /dev/null ]] || fail "/dev/null is no device any more"
}
