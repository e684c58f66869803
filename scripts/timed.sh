#!/bin/sh
# Run a command and say how long it took, whether it failed or not.
#
# usage: scripts/timed.sh NAME COMMAND [ARGUMENT ...]
name=$1
shift
start=$(date +%s)
status=0
"$@" || status=$?
printf '== %s: %s s%s\n' "$name" "$(($(date +%s) - start))" "$([ "$status" -eq 0 ] || printf ' (failed)')"
exit "$status"
