#!/bin/sh
# Called by ./check --long: memory and descriptors over 100,000 boundaries, about an hour.
cd "$(dirname "$0")/.." || exit 1
exec bench/memory.py "${1:-build-check-clang}" --seconds 0 --boundaries 100000 --strict
