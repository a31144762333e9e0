# How long each part of Integration/test may take. Integration/lib/budgets has a line "PART SECONDS" for each.
# A machine can be slow for a while: a part fails that takes twice its budget and two minutes more; the others
# that are over are listed.

# budget_of PART: its seconds; nothing where it has no line.
budget_of() { awk -v part="$1" '$1 == part { print $2 }' "$integration/lib/budgets"; }

# timed PART COMMAND...: runs it in this shell, and holds it to its budget.
timed() {
  local part=$1 started=$EPOCHREALTIME
  "${@:2}"
  check_budget "$part" "$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }')"
}

# check_budget PART SECONDS
check_budget() {
  local part=$1 seconds=$2 budget
  budget=$(budget_of "$part")
  if [[ -z $budget ]]; then
    failed=$((failed + 1))
    printf '  %sFAILED%s   %s has no line in Integration/lib/budgets; it took %d s\n' \
      "$red" "$plain" "$part" "$seconds"
  elif ((seconds > 2 * budget + 120)); then
    failed=$((failed + 1))
    printf '  %sFAILED%s   %s took %d s, far more than its budget of %d s\n' \
      "$red" "$plain" "$part" "$seconds" "$budget"
  elif ((seconds > budget)); then
    printf '  %s took %d s, its budget is %d s\n' "$part" "$seconds" "$budget"
  else
    printf '  %d s of %d s\n' "$seconds" "$budget"
  fi
}
