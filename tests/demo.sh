#!/bin/sh
# The main job on the demo city. Its people open on a real OpenStack if the lab is up, else on the built-in node.
#
#   LAB_DIR=folder  state of the lab, as in tests/lab.sh; a lab is up if run/keystone.pid is there
#   DEMO=...        options of `yunheng demo`, given as arguments
set -eu
cd "$(dirname "$0")/.."
program=target/debug/yunheng
LAB_DIR=${LAB_DIR:-${TMPDIR:-/tmp}/openstack-lab}
case " $* " in
*" --no-people "* | *" --openstack "*) exec "$program" demo "$@" ;;
esac
[ -e "$LAB_DIR/run/keystone.pid" ] || exec "$program" demo "$@"

# Admin rights on the lab: what a provider would prepare for the platform. See docs/ops/openstack.md.
. "$LAB_DIR/openrc"
ground=$PWD/target/demo-cloud
echo "演示将在 $OS_AUTH_URL 上开通" >&2
projects=$(sh tests/demo_cloud.sh "$ground")
exec "$program" --config "$ground/yunheng.toml" demo --openstack "$OS_AUTH_URL" --projects "$projects" "$@"
