#!/bin/bash
# A private PostgreSQL for tests: in a directory of its own, as a user without rights, on a unix
# socket alone. Durable it is not.
#
#   tools/postgres.sh installed         exits 0 when PostgreSQL is there
#   tools/postgres.sh start DIR [PID]   prints the connection string; ends with process PID
#   tools/postgres.sh start-again DIR   after it was killed
#   tools/postgres.sh stop DIR          ends it and removes DIR
#
# $BT_POSTGRES_OPTIONS come last: "-c autovacuum=on" for what runs longer than a test.
set -euo pipefail

# Debian keeps the server's programs out of the PATH, by version.
programs() {
    local found
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort | tail -n 1)
    [[ -x $found/initdb ]] && echo "$found"
}

# PostgreSQL refuses to run as root.
unprivileged() {
    if [[ $(id --user) != 0 ]]; then
        "$@"
        return
    fi
    local user=nobody
    ! id postgres >/dev/null 2>&1 || user=postgres
    (cd / && setpriv --reuid="$user" --regid="$(id --group "$user")" --clear-groups "$@")
}

# An empty cluster costs a second or two to make and nothing to copy: the build directory keeps one of
# each version, for as many tests as come. Whoever finds it half made by another makes his own.
new_cluster() {
    local directory=$1 bin=$2 kept='' copy
    if [[ -d ${BT_BUILD_ROOT-} ]]; then
        kept=$BT_BUILD_ROOT/postgresql-$(cksum <<<"$bin $(declare -f make_cluster)" | cut --delimiter=' ' --fields=1)
    fi
    if [[ -n $kept && -d $kept ]]; then
        cp --archive "$kept" "$directory/data"
        return
    fi
    make_cluster "$directory" "$bin"
    if [[ -n $kept ]]; then
        copy=$(mktemp --directory "$BT_BUILD_ROOT/postgresql-XXXXXX")
        cp --archive "$directory/data/." "$copy"
        mv --no-target-directory "$copy" "$kept" 2>/dev/null || rm --recursive --force "$copy"
    fi
}

# Sorted as Vietnamese, so that what forgets to sort by bytes is noticed.
make_cluster() {
    local directory=$1 bin=$2
    unprivileged "$bin/initdb" --pgdata="$directory/data" --username=bangtin --auth=trust --no-sync \
        --no-instructions --encoding=UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=vi-VN \
        >"$directory/initdb.log" 2>&1 || { cat "$directory/initdb.log" >&2 && return 1; }
}

start() {
    local directory=$1 pid=${2-} bin
    bin=$(programs)
    mkdir --parents "$directory"
    chmod 700 "$directory"
    if [[ $(id --user) == 0 ]]; then
        chown "$(unprivileged id --user)" "$directory"
    fi
    new_cluster "$directory" "$bin"
    run_cluster "$directory" "$bin"
    if [[ -n $pid ]]; then
        setsid "$0" follow "$directory" "$pid" </dev/null >/dev/null 2>&1 &
    fi
    echo "host=$directory user=bangtin dbname=postgres"
}

run_cluster() {
    local directory=$1 bin=$2
    unprivileged "$bin/pg_ctl" start --pgdata="$directory/data" --log="$directory/data/log" --wait --silent \
        --options="-c listen_addresses='' -c unix_socket_directories='$directory' -c fsync=off \
            -c full_page_writes=off -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 \
            -c shared_buffers=16MB -c max_connections=60 -c autovacuum=off -c jit=off ${BT_POSTGRES_OPTIONS-}" ||
        { cat "$directory/data/log" >&2 && return 1; }
}

stop() {
    local directory=$1
    unprivileged "$(programs)/pg_ctl" stop --pgdata="$directory/data" --mode=immediate --silent || true
    rm --recursive --force "$directory"
}

# Also ends when somebody else has stopped the server and removed its directory.
follow() {
    local directory=$1 pid=$2
    while kill -0 "$pid" 2>/dev/null && [[ -d $directory/data ]]; do
        sleep 1
    done
    [[ ! -d $directory/data ]] || stop "$directory"
}

case ${1-} in
installed) programs >/dev/null ;;
start) start "$(realpath --canonicalize-missing "$2")" "${3-}" ;;
start-again) run_cluster "$(realpath --canonicalize-missing "$2")" "$(programs)" ;;
stop) stop "$(realpath --canonicalize-missing "$2")" ;;
follow) follow "$2" "$3" ;;
*) echo "Usage: tools/postgres.sh installed | start DIR [PID] | start-again DIR | stop DIR" >&2 && exit 2 ;;
esac
