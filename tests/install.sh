#!/bin/sh
# Installs a package of the system where that is possible without asking anybody.
set -eu
package=$1
if ! command -v apt-get >/dev/null 2>&1; then
    echo "请先安装 $package / please install $package" >&2
    exit 1
fi
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
as_root apt-get update -q >/dev/null
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $package >/dev/null
