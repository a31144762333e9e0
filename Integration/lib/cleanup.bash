# What a script started or made is ended or removed when it leaves, however it leaves.
#
# `defer` must be called in the script's own shell: in a command substitution or a pipeline the
# list would belong to the subshell and be forgotten. So functions that need it hand back their
# result in a variable that they name.

deferred=()

# defer COMMAND...: run at exit, the newest first.
defer() { deferred+=("${*@Q}"); }

run_deferred() {
  local status=$? index
  trap - EXIT
  set +e
  for ((index = ${#deferred[@]} - 1; index >= 0; index--)); do
    eval "${deferred[index]}" </dev/null
  done
  exit "$status"
}

# A second signal during the cleanup would leave mounts and loop devices behind.
trap run_deferred EXIT
trap 'trap "" INT TERM HUP; exit 129' HUP
trap 'trap "" INT TERM HUP; exit 130' INT
trap 'trap "" INT TERM HUP; exit 143' TERM

# make_work_directory [NAME]: sets `work`, removed at exit. /var/tmp, because disks are large and
# /tmp is often memory.
make_work_directory() {
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/varve-${1:-work}.XXXXXX")
  defer rm -rf --one-file-system "$work"
}

# make_memory_directory: sets `memory`, in a file system that is memory, removed at exit. There, files
# can be larger than ext4's 16 TiB, and writing them wears nothing out.
make_memory_directory() {
  memory=$(mktemp -d /dev/shm/varve.XXXXXX)
  defer rm -rf --one-file-system "$memory"
}

# interruptible COMMAND...: becomes the command. Without this, bash lets what it starts in the
# background ignore SIGINT and SIGQUIT. To be run with &.
interruptible() { exec env --default-signal=INT,QUIT "$@"; }

# stop_process PID: asks, waits up to 10 s, then insists. Harmless when it has already gone.
stop_process() {
  local pid=$1 tenths
  kill -TERM "$pid" 2>/dev/null || return 0
  for ((tenths = 0; tenths < 100; tenths++)); do
    is_running "$pid" || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

# is_running PID: a zombie has ended; only its parent has not looked yet.
is_running() {
  local state
  state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 1
  [[ -n $state && $state != Z ]]
}
