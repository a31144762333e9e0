# How large everything is. The sizes of a run stand in its report.

rounds=3
tree_mebibytes=900
database_mebibytes=600
disk_size=4G
database_writes=2400
churn_mebibytes=200
nights=30
night_database_mebibytes=300
night_writes=1200
revisions=10000
small_revisions=1500
small_kibibytes=256
scale_chunks=(1000000 10000000)
collection_revisions=14
collection_mebibytes=32
collection_database_mebibytes=300
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
  tree_mebibytes=60
  database_mebibytes=50
  disk_size=320M
  database_writes=320
  churn_mebibytes=25
  nights=3
  night_database_mebibytes=60
  night_writes=320
  revisions=200
  small_revisions=40
  scale_chunks=(20000)
  collection_revisions=4
  collection_mebibytes=8
  collection_database_mebibytes=60
  nbd_mebibytes=96
  nbd_cache=160MiB
  nbd_uncached_reads=200
  nbd_seconds=1
  nbd_clients=8
  nbd_client_mebibytes=48
}

# --large: takes about half an hour more, and as much of the disk as all the rest.
large_settings() { scale_chunks+=(100000000); }

tools=(varve borg borg_fixed restic casync benji)
# These take part in the first round only: a round of them takes as long as one of all the others.
slow_tools=(casync benji)

uses() { [[ " ${tools[*]} " == *" $1 "* ]]; }

# leave_out TOOL
leave_out() {
  uses "$1" || usage_error "no tool '$1'; there are ${tools[*]}"
  local kept=() tool
  for tool in "${tools[@]}"; do [[ $tool == "$1" ]] || kept+=("$tool"); done
  tools=("${kept[@]}")
}

# tools_in_turn ROUND: the tools of that round, beginning with another one each round, so that none always
# runs right after the disk was changed.
tools_in_turn() {
  local index tool
  for ((index = 0; index < ${#tools[@]}; index++)); do
    tool=${tools[($1 + index) % ${#tools[@]}]}
    if (($1 == 0)) || [[ " ${slow_tools[*]} " != *" $tool "* ]]; then echo "$tool"; fi
  done
}
