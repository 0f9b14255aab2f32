#!/bin/sh
# The OpenStack connector against a real OpenStack on loopback. LAB names the folder with the lab's scripts `up` and
# `seed`; the lab itself is not part of this repository. A lab that is already up is used as it is.
set -eu
cd "$(dirname "$0")/.."
LAB=${LAB:-lab/openstack}
LAB_DIR=${LAB_DIR:-/tmp/openstack-lab}
export LAB_DIR
[ -x "$LAB/up" ] || { echo "no lab at $LAB: set LAB to the folder with its scripts" >&2; exit 1; }
"$LAB/up"
[ -f "$LAB_DIR/seeded" ] || grep -qs . "$LAB_DIR/openrc" && "$LAB/seed" || true
YUNHENG_LAB_DIR=$LAB_DIR cargo nextest run --locked -p sources --features lab --test openstack_lab
