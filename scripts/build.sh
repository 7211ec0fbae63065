#!/bin/sh
# What the package and the container run: JavaScript and types in dist/, the shipped rules as a built policy in bundles/.
set -eu
cd "$(dirname -- "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist bundles
sh scripts/node.sh node_modules/typescript/bin/tsc -p tsconfig.dist.json
sh scripts/node.sh src/cli/main.ts build --data-dir "$work" >"$work/said" || { cat "$work/said" >&2; exit 1; }
mv "$work/bundles" bundles
# What is kept in a data directory is for one user; what is shipped for whoever runs it, as the image's user.
chmod -R u=rwX,go=rX bundles
