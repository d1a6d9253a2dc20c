#!/bin/sh
# Called by ./check --long: memory of 10,000 streams over 20,000 broadcasts, about an hour.
cd "$(dirname "$0")/.." || exit 1
exec "${1:-build-check-clang}"/bench/streams-bench --rounds "${2:-20000}" --quiet --strict
