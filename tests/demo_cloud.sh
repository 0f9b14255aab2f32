#!/bin/sh
# Prepares an OpenStack of one's own for the demo, as a provider would: two projects, an account that may act in them,
# flavours that the demo asks for. What an earlier demo opened in these projects is deleted.
#
#   . openrc; tests/demo_cloud.sh FOLDER
#
# Writes FOLDER/yunheng.toml with the accounts, and prints the ids of the projects. Never use it on a cloud in service.
set -eu
folder=$1
mkdir -p "$folder"

quiet() { "$@" >/dev/null; }

password() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# NAME: a project with room for the demo, without what an earlier one left in it. Prints its id.
project() {
    id=$(openstack project create --or-show --description "云衡演示" "$1" -f value -c id)
    openstack quota set --instances 20 --cores 200 --ram 800000 "$id"
    openstack server list --project "$id" -f value -c ID | xargs -r openstack server delete --wait
    openstack port list --project "$id" -f value -c ID | xargs -r openstack port delete
    openstack network list --project "$id" -f value -c ID | xargs -r openstack network delete
    echo "$id"
}

# NAME ROLE PROJECT...: an account with a new password, which is written beside the configuration.
account() {
    name=$1
    role=$2
    shift 2
    secret=$(password)
    quiet openstack user create --or-show --password "$secret" "$name"
    openstack user set --password "$secret" "$name"
    for scope in "$@"; do
        openstack role add --user "$name" --project "$scope" "$role"
    done
    (umask 077; printf '%s\n' "$secret" >"$folder/$name.secret")
}

# PREFIX: flavours of the sizes of the demo city.
flavors() {
    for size in 2x4 2x8 4x8 4x16 8x16 8x32 16x32 16x64 32x64 32x128; do
        name="$1$size"
        case $known in *" $name "*) continue ;; esac
        quiet openstack flavor create "$name" --vcpus "${size%x*}" --ram "$((${size#*x} * 1024))" --disk 20 \
            --property yunheng:class=通用型
    done
}

one=$(project yunheng-demo-1)
two=$(project yunheng-demo-2)
account yunheng-demo-operator member "$one" "$two"
account yunheng-demo-metering admin "$OS_PROJECT_NAME"
openstack role add --user yunheng-demo-metering --project "$OS_PROJECT_NAME" ResellerAdmin 2>/dev/null || true
known=" $(openstack flavor list --all -f value -c Name | tr '\n' ' ') "
flavors demo.xc.
flavors demo.x86.
cat >"$folder/yunheng.toml" <<TOML
[accounts.metering]
username = "yunheng-demo-metering"
project = "$OS_PROJECT_NAME"
secret_file = "$folder/yunheng-demo-metering.secret"

[accounts.operator]
username = "yunheng-demo-operator"
project = "yunheng-demo-1"
secret_file = "$folder/yunheng-demo-operator.secret"
family_key = "yunheng:class"

[accounts.operator.hands.pools.xinchuang]
image = "kylin-v10-aarch64"
flavor_prefix = "demo.xc."

[accounts.operator.hands.pools.x86]
image = "ubuntu-22.04-x86_64"
flavor_prefix = "demo.x86."
TOML
echo "$one,$two"
