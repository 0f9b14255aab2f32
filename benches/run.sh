#!/bin/bash
# Runs the workloads on ours and on the peers, in turns, each in a fresh process, and prints what each costs and how
# many times ours that is. Compare CPU seconds: they hardly change when the machine is busy with something else.
#
# usage: benches/run.sh [TURNS=5] [RESOURCES=1000000] [POINTS=1000000]
#        benches/run.sh path [RESOURCES=100000]    only the whole production path, see below
#        benches/run.sh desk [APPLICATIONS=10000] [USERS=1000]    only people at work, see below
# Sets up its own Python in .tools/bench-venv and its input in .tools/bench-input; the path needs neither.
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1
cd "$(dirname "$0")/.."

# Always both together: one alone would ask other features of what they share, and build that twice.
build() {
    cargo build --release --locked --package yunheng --package bench
}

# The whole production path: a city of so many resources, from its files to its documents, each command a process of
# its own. Prints wall time, CPU time and peak memory by step.
path() {
    local city
    build
    mkdir -p .tools
    city=$(mktemp -d "$PWD/.tools/bench-city.XXXXXX")
    "${CARGO_TARGET_DIR:-target}/release/bench" path "${CARGO_TARGET_DIR:-target}/release/yunheng" "$city" "$1" || {
        rm -rf "$city"
        return 1
    }
    rm -rf "$city"
}
# Ten thousand applications of a thousand people, fifty at once, through the server, on both databases.
# Whatever comes of it, a PostgreSQL server that was started for it is stopped; one that was there stays.
desk() (
    build
    bin=${CARGO_TARGET_DIR:-target}/release
    data=$(mktemp -d)
    trap 'rm -rf "$data"' EXIT
    echo "SQLite"
    "$bin/bench" desk "$bin/yunheng" "sqlite://$data/yunheng.db" "$data" "$1" "$2"
    rm -rf "$data"
    data=$(mktemp -d)
    sh tests/postgres.sh is-up || trap 'rm -rf "$data"; sh tests/postgres.sh down' EXIT
    server=$(sh tests/postgres.sh up)
    psql --quiet "$server" --command "DROP DATABASE IF EXISTS yunheng_bench" --command "CREATE DATABASE yunheng_bench"
    echo "PostgreSQL"
    "$bin/bench" desk "$bin/yunheng" "${server%/*}/yunheng_bench" "$data" "$1" "$2"
)
if [ "${1:-}" = desk ]; then
    desk "${2:-10000}" "${3:-1000}"
    exit
fi
if [ "${1:-}" = path ]; then
    path "${2:-100000}"
    exit
fi

turns=${1:-5} resources=${2:-1000000} points=${3:-1000000}
venv=.tools/bench-venv input=.tools/bench-input
python=$venv/bin/python

if ! [ -x "$python" ] || ! cmp -s benches/peers/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement benches/peers/requirements.txt
    cp benches/peers/requirements.txt "$venv/requirements.txt"
fi
w1=$input/w1-$resources w1p=$input/w1p-$points
[ -f "$w1/segments.parquet" ] || "$python" benches/peers/gen.py w1 "$w1" --resources "$resources"
[ -f "$w1p/points.csv" ] || "$python" benches/peers/gen.py w1p "$w1p" --points "$points"
build
bench=${CARGO_TARGET_DIR:-target}/release/bench

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
# run WORKLOAD NAME COMMAND...: adds a line to the results: workload, name, answer, cost.
run() {
    local workload=$1 name=$2
    shift 2
    printf '%s\t%s\t%s\n' "$workload" "$name" "$("$@" | paste -sd '\t')" >>"$results/all.tsv"
}
lines=$results/lines.parquet
cloudkitty=no
if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import cloudkitty.rating.hash' 2>/dev/null; then cloudkitty=yes; fi

for _ in $(seq "$turns"); do
    run "W1 aggregate" ours "$bench" w1 "$w1"
    run "W1 aggregate" polars "$python" benches/peers/w1_polars.py "$w1"
    run "W1 aggregate" duckdb "$python" benches/peers/w1_duckdb.py "$w1"
    run "W1 lines" ours "$bench" w1 "$w1" --lines "$lines"
    run "W1 lines" polars "$python" benches/peers/w1_polars.py "$w1" --lines "$lines"
    run "W1 lines" duckdb "$python" benches/peers/w1_duckdb.py "$w1" --lines "$lines"
    run "W1 decode" ours "$bench" w1 "$w1" --decode-only
    run "W1 decode" pyarrow "$python" benches/peers/w1_decode.py "$w1"
    run "W1p" ours "$bench" w1p "$w1p"
    run "W1p" duckdb "$python" benches/peers/w1p_duckdb.py "$w1p"
    run "W1p decode" ours "$bench" w1p "$w1p" --decode-only
done
if [ "$cloudkitty" = yes ]; then
    run "W1p" cloudkitty /usr/bin/python3 benches/peers/w1p_cloudkitty.py "$w1p"
else
    echo "CloudKitty was not there: install Debian's cloudkitty-common to have it measured."
fi
python3 benches/peers/table.py "$results/all.tsv"
"$bench" lake "$results/lake" 1000000 |
    sed '1s/^/lake (lines, bytes, seconds to write, to read and check, to find one line, peak MiB with the lines made, written, read): /'
path 100000
desk 10000 1000
