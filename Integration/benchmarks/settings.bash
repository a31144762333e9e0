# How large everything is. The sizes of a run stand in its report.

rounds=3
tree_mebibytes=1400
database_mebibytes=1000
disk_size=6G
database_writes=4000
churn_mebibytes=300
nights=30
night_database_mebibytes=1000
revisions=10000
scale_chunks=(1000000 10000000 100000000)
collection_revisions=40
collection_mebibytes=64
nbd_mebibytes=1024
# Larger than the disk, with room for what a cache needs besides.
nbd_cache=1536MiB
nbd_uncached_reads=2000
nbd_seconds=5
nbd_clients=64
nbd_client_mebibytes=256

# --quick: everything small, once.
quick_settings() {
  rounds=1
  tree_mebibytes=120
  database_mebibytes=80
  disk_size=512M
  database_writes=320
  churn_mebibytes=25
  nights=3
  night_database_mebibytes=60
  revisions=200
  scale_chunks=(20000)
  collection_revisions=6
  collection_mebibytes=8
  nbd_mebibytes=96
  nbd_cache=160MiB
  nbd_uncached_reads=200
  nbd_seconds=1
  nbd_clients=8
  nbd_client_mebibytes=48
}

tools=(varve borg borg_fixed restic casync)

uses() { [[ " ${tools[*]} " == *" $1 "* ]]; }

# leave_out TOOL
leave_out() {
  uses "$1" || usage_error "no tool '$1'; there are ${tools[*]}"
  local kept=() tool
  for tool in "${tools[@]}"; do [[ $tool == "$1" ]] || kept+=("$tool"); done
  tools=("${kept[@]}")
}

# tools_in_turn ROUND: all tools, beginning with another one each round, so that none always runs
# right after the disk was changed.
tools_in_turn() {
  local index
  for ((index = 0; index < ${#tools[@]}; index++)); do
    echo "${tools[($1 + index) % ${#tools[@]}]}"
  done
}
