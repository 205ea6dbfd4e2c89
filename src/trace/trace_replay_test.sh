#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# trace_replay_test.sh TRACE_REPLAY TRACE: the program's cutting of traces.
set -eu
replay=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$2" "$dir/t"
ln "$dir/t" "$dir/again"
ln -s t "$dir/link"

fail()
{
    echo "not ok: $*" >&2
    exit 1
}

# A trace that is its own output was read while it was written.
for out in t again link; do
    status=0
    "$replay" -c 20000 "$dir/t" "$dir/$out" 2>"$dir/said" || status=$?
    [ $status = 2 ] || fail "output onto its own input: $out, status $status"
    [ "$(wc -l <"$dir/said")" = 1 ] || fail "more than a sentence"
    cmp -s "$2" "$dir/t" || fail "the trace has changed"
done

"$replay" -c 20000 "$dir/t" "$dir/cut"
[ "$(wc -c <"$dir/cut")" -le 20000 ] || fail "cut, it is too long"
"$replay" "$dir/cut" | grep -q "ends by the file's greatest size" || fail "cut"
