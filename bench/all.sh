#!/bin/sh
# Every figure of docs/benchmarks.md, one program after the other: about three hours on a machine that
# does nothing else.
#   bench/all.sh BUILD_DIR [REPORT]        BT_MEDIA: a directory of odd files, too
[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0" && exit 2; }
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "$1") report=${2:-benchmarks.txt}
export BT_BUILD_ROOT="$build"

run() {
    printf '\n$ bench/%s\n' "$*"
    program=$1
    shift
    "bench/$program" "$build" "$@"
}

# For those that take no build directory as their first word.
run_at() {
    printf '\n$ %s\n' "$*"
    "$@"
}

{
    date --iso-8601=minutes
    run boundaries.py
    run boundaries.py --busy
    run boundaries.py --transitions
    [ -z "$BT_MEDIA" ] || run odd_files.py "$BT_MEDIA"
    run play_cost.py
    run start.py
    run paired_start.py
    run still_cost.py
    run memory.py
    run sustained.py
    run crawl.py --with-clip
    run crawl.py --refresh 50

    # The server, and players that listen to it.
    run_at "$build/bench/streams-bench"
    run_at "$build/bench/streams-bench" --tls
    run_at bench/hint_streams.py
    run push.py
    run push.py --clip --players 2
    run push.py --during-download --players 2
    run_at bench/faults.py --rounds 200
    run idle_bytes.py
} 2>&1 | tee "$report"
