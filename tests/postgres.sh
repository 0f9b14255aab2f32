#!/bin/sh
# A PostgreSQL server for tests, with nothing in it that anybody needs.
#
#   tests/postgres.sh up     start it (made if it is not there) and print its address
#   tests/postgres.sh down   stop it and remove its data
#   tests/postgres.sh is-up  end with 0 if it runs
#
# Usage: YUNHENG_TEST_POSTGRES=$(tests/postgres.sh up) cargo nextest run
set -eu

port=54329
address="postgres://postgres@127.0.0.1:$port/postgres"
root=$(cd "$(dirname "$0")/.." && pwd)

# PostgreSQL refuses to run as root, and its own user can read nothing below a folder that is root's.
if [ "$(id -u)" = 0 ]; then
    data=/tmp/yunheng-test-postgres
    as() { setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/tmp "$@"; }
else
    data=$root/target/postgres
    as() { "$@"; }
fi

find_tool() {
    if command -v "$1" >/dev/null 2>&1; then
        command -v "$1"
        return
    fi
    found=$(find /usr/lib/postgresql /usr/pgsql-* -path "*/bin/$1" 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] || { echo "$1 not found: install PostgreSQL 15 or newer" >&2; exit 1; }
    echo "$found"
}

is_up() {
    as "$pg_ctl" -D "$data" status >/dev/null 2>&1
}

pg_ctl=$(find_tool pg_ctl)
case "${1:-}" in
which)
    find_tool initdb
    ;;
up)
    if [ ! -f "$data/PG_VERSION" ]; then
        initdb=$(find_tool initdb)
        rm -rf "$data"
        mkdir -p "$data"
        if [ "$(id -u)" = 0 ]; then chown postgres: "$data"; fi
        chmod 700 "$data"
        as "$initdb" -D "$data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
        cat >>"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
    fi
    if ! is_up; then
        # The log goes to a file: a server that kept our output open would keep a caller waiting for its end.
        as "$pg_ctl" -D "$data" -l "$data/server.log" -w -t 60 start >/dev/null || { tail -n 20 "$data/server.log" >&2; exit 1; }
    fi
    echo "$address"
    ;;
is-up)
    is_up
    ;;
down)
    if [ -f "$data/PG_VERSION" ] && is_up; then
        as "$pg_ctl" -D "$data" -m immediate -w stop >/dev/null
    fi
    rm -rf "$data"
    ;;
*)
    echo "usage: $0 up|down|is-up" >&2
    exit 2
    ;;
esac
