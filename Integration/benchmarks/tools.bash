# Each tool by the same five verbs. A tool's store and caches live in $work/stores/TOOL.
#
# All are told to read the whole disk, since no tool here is told what changed, and to compress as
# fast as zstd -1 where they can be told. None verifies after a backup.

# install_peers: those that Debian has not, or not in this version.
install_peers() {
  local peers=()
  if uses borg || uses borg_fixed; then peers+=(borg); fi
  if uses benji; then peers+=(benji); fi
  ((${#peers[@]} == 0)) || install_python_programs "${peers[@]}"
}

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

# restore_to_pipe TOOL PART STEP NAME: measured. casync and benji can only write files, so they do that.
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
    benji) sed -n 's/^benji==/benji /p' "$integration/packages/python/benji" ;;
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

# benji, with its default blocks of 4 MiB. It keeps its metadata in an SQL database, which is no cache.

# benji_command STORE: sets `benji`, the start of each command line.
benji_command() { benji=(benji --log-level ERROR --config-file "$1/benji.yaml"); }

init_benji() {
  # Every JSON document is a YAML document.
  jq --null-input --arg store "$1" '{
    configurationVersion: "1",
    databaseEngine: "sqlite:///\($store)/benji.sqlite",
    defaultStorage: "blocks",
    storages: [{
      name: "blocks", module: "file",
      configuration: {path: "\($store)/blocks", activeTransforms: ["zstd"]}
    }],
    transforms: [{name: "zstd", module: "zstd", configuration: {level: 1}}],
    ios: [{name: "file", module: "file"}],
    nbd: {
      blockCache: {directory: "\($store)/cache/blocks"},
      cowStore: {directory: "\($store)/cache/written"}
    }
  }' >"$1/benji.yaml"
  mkdir "$1/blocks"
  benji_command "$1"
  "${benji[@]}" database-init
}

back_up_benji() {
  benji_command "$1"
  measure "$2" "$3" benji "${benji[@]}" backup --uid "$5" "file:$(realpath "$4")" disk
}

# To a file, as it cannot write to a pipe; it leaves holes there, as it is told.
restore_benji() {
  benji_command "$1"
  measure "$2" "$3" benji "${benji[@]}" restore --sparse "$4" "file:$1/restored.raw"
  rm "$1/restored.raw"
}
