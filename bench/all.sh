#!/bin/sh
# Every figure of docs/benchmarks.md, one program after the other: about two hours on a machine that
# does nothing else.
#   bench/all.sh BUILD_DIR [REPORT]
[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0" && exit 2; }
cd "$(dirname "$0")/.." || exit 1
build=$1 report=${2:-benchmarks.txt}

run() {
    printf '\n$ bench/%s\n' "$*"
    program=$1
    shift
    "bench/$program" "$build" "$@"
}

{
    date --iso-8601=minutes
    run boundaries.py
    run boundaries.py --busy
    run play_cost.py
    run start.py
    run still_cost.py
    run memory.py
    run sustained.py
    run crawl.py --with-clip
    run crawl.py --refresh 50
} 2>&1 | tee "$report"
