#!/bin/sh
# What the package and the container run: JavaScript and types in dist/, the shipped rules as built policies in bundles/.
set -eu
cd "$(dirname -- "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist bundles
sh scripts/node.sh node_modules/typescript/bin/tsc -p tsconfig.dist.json
sluice() { sh scripts/node.sh src/cli/main.ts "$@" >"$work/said" || { cat "$work/said" >&2; exit 1; }; }
# With the example's own rules, and as a world begins with `sluice init`: neither needs OPA then.
sluice build --data-dir "$work"
sluice init "$work/world"
sluice build --data-dir "$work" --policies "$work/world/policies" --rego "$work/world/rego"
mv "$work/bundles" bundles
# Nobody runs the archive that each was taken from: it would be a sixth of the package.
rm -f bundles/*/bundle.tar.gz
# What is kept in a data directory is for one user; what is shipped for whoever runs it, as the image's user.
chmod -R u=rwX,go=rX bundles
