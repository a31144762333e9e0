# One measurement is one line of $results: part, step, tool, metric, value; separated by tabs.

record() { printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$results"; }

# measure PART STEP TOOL COMMAND...: records wall and CPU time and memory, see measure.py. What the
# command prints goes to standard output, its messages to $work/messages.
measure() { measure_served '' "$@"; }

# measure_served PID PART STEP TOOL COMMAND...: the same, and the memory of the process PID, which serves
# the command.
measure_served() {
  local server=$1 part=$2 step=$3 tool=$4 measured
  shift 4
  measured=$(mktemp "$work/measured.XXXXXX")
  # What an earlier command left for the disk must not be written at this one's expense.
  sync
  python3 "$integration/benchmarks/measure.py" "$measured" ${server:+--server "$server"} "$@" \
    2>"$work/messages" || die "failed: $*"$'\n'"$(cat "$work/messages")"
  local metric value
  while read -r metric value; do
    record "$part" "$step" "$tool" "$metric" "$value"
  done <"$measured"
  printf '  %-28s %-11s %8.2f s\n' "$step" "$tool" "$(sed -n 's/^wall //p' "$measured")" >&2
  rm "$measured"
}

# forget FILE_OR_DIRECTORY...: its pages leave the page cache. Needs no root.
forget() {
  sync
  python3 "$integration/benchmarks/forget.py" "$@"
}

# describe_machine: lines of text for the report; no names.
describe_machine() {
  local model
  model=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
  printf '%s, %d cores, %s of memory, Linux %s, %s\n' "${model:-$(uname -m)}" "$(nproc)" \
    "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)" \
    "$(uname -r | cut -d- -f1)" "$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)"
  local tool
  for tool in "${tools[@]}" "${nbd_tools[@]}"; do tool_version "$tool"; done | sort -u
  printf 'series: a disk of %s, %d MiB of files, a database of %d MiB; %d writes; %d MiB of churn\n' \
    "$disk_size" "$tree_mebibytes" "$database_mebibytes" "$database_writes" "$churn_mebibytes"
  printf 'nights: %d, a database of %d MiB, %d writes a night\n' \
    "$nights" "$night_database_mebibytes" "$night_writes"
  printf 'nbd: a disk of %d MiB, a cache of %s where it is warm or uncached, else of the default size; %d clients of %d MiB\n' \
    "$nbd_mebibytes" "$nbd_cache" "$nbd_clients" "$nbd_client_mebibytes"
  printf 'collection: %d revisions of a database of %d MiB, each with %d MiB of new content and 200 writes\n' \
    "$collection_revisions" "$collection_database_mebibytes" "$collection_mebibytes"
  printf 'rounds: %d; %s take part in the first one only in series\n' "$rounds" "${slow_tools[*]}"
}
