#!/bin/sh
# Installs the identity provider that tests of logging in use, in the version of the lock file. Does nothing if it is
# there.
set -eu
cd "$(dirname "$0")"
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || sh ../install.sh "nodejs npm"
if [ -f node_modules/.installed ] && cmp -s package-lock.json node_modules/.installed; then exit 0; fi
npm ci --silent --ignore-scripts --no-fund --no-audit
cp package-lock.json node_modules/.installed
