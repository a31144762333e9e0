# Each tool by the same five verbs. A tool's store and caches live in $work/stores/TOOL.
#
# All are told to read the whole disk, since no tool here is told what changed, and to compress as
# fast as zstd -1 where they can be told. None verifies after a backup.

store_of() { echo "$work/stores/$1"; }

# make_store TOOL: empty.
make_store() {
  local store
  store=$(store_of "$1")
  rm -rf "$store"
  mkdir -p "$store"
  "init_$1" "$store" >"$work/messages" 2>&1 || die "$(cat "$work/messages")"
}

# back_up TOOL PART STEP IMAGE NAME: measured; NAME is new in the store.
back_up() { "back_up_$1" "$(store_of "$1")" "$2" "$3" "$4" "$5" >/dev/null; }

# restore_to_pipe TOOL PART STEP NAME: measured. casync can only write files, so it does that.
restore_to_pipe() { "restore_$1" "$(store_of "$1")" "$2" "$3" "$4" | cat >/dev/null; }

# stored_bytes TOOL: what its store takes on disk, without the caches that could be made anew.
stored_bytes() {
  du --summarize --block-size=1 --exclude=index --exclude=home --exclude=cache "$(store_of "$1")" |
    cut -f1
}

tool_version() {
  case $1 in
    varve) echo "varve $(varve --version | grep -oE '[0-9]+\.[0-9.]+' | head -n 1)" ;;
    borg | borg_fixed) borg --version ;;
    restic) restic version | cut -d' ' -f1,2 ;;
    casync) casync --version | head -n 1 ;;
    nbdkit) nbdkit --version ;;
    qemu) qemu-nbd --version | head -n 1 ;;
  esac
}

# varve

init_varve() { varve init "$1/repository"; }

# back_up_varve STORE PART STEP IMAGE NAME [OPTION...]
back_up_varve() {
  measure "$2" "$3" varve varve backup -r "$1/repository" --verify none disk "$4" --tag "$5" "${@:6}"
}

restore_varve() { measure "$2" "$3" varve varve restore -r "$1/repository" "disk@tag:$4" -; }

# borg, with its default content-defined chunks and with fixed ones of 4 MiB, as its manual suggests
# for disk images. Without the files cache it reads files that look unchanged.

borg_environment() {
  export BORG_BASE_DIR=$1/home BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
  export BORG_RELOCATED_REPO_ACCESS_IS_OK=yes
}

init_borg() {
  borg_environment "$1"
  mkdir -p "$1/home"
  borg init --encryption=none "$1/repository"
}

init_borg_fixed() { init_borg "$@"; }

back_up_borg() {
  borg_environment "$1"
  measure "$2" "$3" "${borg_name:-borg}" borg create --compression zstd,1 --files-cache=disabled \
    ${borg_chunker:+"$borg_chunker"} "$1/repository::$5" "$4"
}

back_up_borg_fixed() {
  local borg_name=borg_fixed borg_chunker=--chunker-params=fixed,4194304
  back_up_borg "$@"
}

restore_borg() {
  borg_environment "$1"
  measure "$2" "$3" "${borg_name:-borg}" borg extract --stdout "$1/repository::$4"
}

restore_borg_fixed() {
  local borg_name=borg_fixed
  restore_borg "$@"
}

# restic always encrypts; its compression levels have other names. --force reads everything.

restic_environment() {
  export RESTIC_REPOSITORY=$1/repository RESTIC_PASSWORD=benchmark RESTIC_CACHE_DIR=$1/cache
}

init_restic() {
  restic_environment "$1"
  restic init --repository-version 2
}

back_up_restic() {
  restic_environment "$1"
  measure "$2" "$3" restic restic backup --force --quiet --compression auto --tag "$5" "$4"
  cp /dev/null "$1/path" && realpath "$4" >"$1/path"
}

restore_restic() {
  restic_environment "$1"
  measure "$2" "$3" restic restic dump --tag "$4" latest "$(<"$1/path")"
}

# casync

init_casync() { mkdir -p "$1/chunks.castr"; }

back_up_casync() {
  measure "$2" "$3" casync casync make --compression=zstd --store="$1/chunks.castr" \
    "$1/$5.caibx" "$4"
}

restore_casync() {
  measure "$2" "$3" casync casync extract --store="$1/chunks.castr" --seed-output=no \
    "$1/$4.caibx" "$1/restored.raw"
  rm "$1/restored.raw"
}
