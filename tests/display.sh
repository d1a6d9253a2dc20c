#!/bin/bash
# The window on a real X server: its own Xvfb on a free display, which the test may kill.
# Leaks are not looked for: a connection that broke cannot be closed, and Mesa keeps things.
set -euo pipefail

command -v Xvfb >/dev/null || exit 77
[ -x "$BT_BUILD_ROOT/render/render_display_test" ] || exit 77

exec {number}<> <(:)
start() {
    Xvfb -displayfd "$number" -screen 0 640x480x24 -noreset -nolisten tcp 2>/dev/null &
    export BT_XVFB_PID=$!
}
start
trap 'kill "$BT_XVFB_PID" 2>/dev/null || true' EXIT
until read -r -t 1 -u "$number" display; do
    # One that takes its number from another that is just ending finds that one's lock, and gives up.
    kill -0 "$BT_XVFB_PID" 2>/dev/null || start
done
export DISPLAY=":$display" SDL_VIDEODRIVER=x11 LIBGL_ALWAYS_SOFTWARE=1 ASAN_OPTIONS=detect_leaks=0

status=0
"$BT_BUILD_ROOT/render/render_gles2_test" || status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 77 ]
"$BT_BUILD_ROOT/render/render_display_test"
