#!/bin/sh
# The connector and the program against a real OpenStack on loopback: brings a lab up, seeds it, tests, brings it down.
#
#   LAB=folder      scripts of the lab: up, seed, down and lib.sh; the lab is not part of this repository
#   LAB_DIR=folder  its state; kept, so that the next run need not seed again. Remove it to begin anew.
#
# A lab that was up before is left up. See docs/ops/openstack.md for what a lab has to be and how long this takes.
set -eu
cd "$(dirname "$0")/.."
LAB=${LAB:-lab/openstack}
LAB_DIR=${LAB_DIR:-${TMPDIR:-/tmp}/openstack-lab}
[ -x "$LAB/up" ] && [ -x "$LAB/seed" ] && [ -x "$LAB/down" ] || {
    echo "no lab at $LAB: set LAB to the folder with its scripts up, seed and down" >&2
    exit 1
}
LAB=$(cd "$LAB" && pwd)
began=$(date +%s)
stage() { echo "lab: $1 ($(($(date +%s) - began)) s)"; }

# What takes longest comes first, and without a lab that could be left behind. It is built once: what is tested is what
# was built here, whatever happens to the sources meanwhile.
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
YUNHENG_TEST_POSTGRES=$(sh tests/postgres.sh up)
YUNHENG_LAB=$LAB
YUNHENG_LAB_DIR=$LAB_DIR
export LAB_DIR YUNHENG_TEST_POSTGRES YUNHENG_LAB YUNHENG_LAB_DIR
# The whole workspace, so that what `make test` built is used again.
cargo metadata --locked --format-version 1 >"$built/cargo.json"
cargo nextest list --locked --workspace --features sources/lab,yunheng/lab --test openstack_lab --test lab \
    --list-type binaries-only --message-format json >"$built/binaries.json"
tests() {
    cargo nextest run --cargo-metadata "$built/cargo.json" --binaries-metadata "$built/binaries.json" --no-fail-fast "$@"
}
stage "tests are built"

if [ ! -e "$LAB_DIR/run/keystone.pid" ]; then
    trap '"$LAB/down"; rm -rf "$built"' EXIT
fi
"$LAB/up"
stage "it is up"
if ! said=$("$LAB/seed" 2>&1); then
    case $said in
    *"already seeded"*) ;;
    *)
        echo "$said" >&2
        exit 1
        ;;
    esac
fi
stage "it is seeded"
# One suite after the other: one stops services that the other needs.
tests -E 'binary(openstack_lab)'
stage "the connector is tested"
tests -E 'binary(lab)'
stage "the program is tested"
