#!/bin/sh
# timed.sh NAME COMMAND...: runs the command and says how long it took.
name=$1
shift
start=$(date +%s)
"$@"
code=$?
[ $code -eq 0 ] && echo "make $name: $(($(date +%s) - start)) s"
exit $code
