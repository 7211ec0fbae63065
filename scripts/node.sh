#!/bin/sh
# Runs a program by Node 24 or newer: the one on PATH, else the one that `make setup` has put into .tools/.
# What Node has made of the TypeScript is kept beside its tools: the server is ready in two thirds of the time.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE-$root/.tools/compile-cache}"
enough() { [ "$("$1" -p 'process.versions.node.split(".")[0] >= 24' 2>/dev/null)" = true ]; }
for node in node "$root/.tools/node_modules/.bin/node"; do
  if command -v "$node" >/dev/null 2>&1 && enough "$node"; then exec "$node" "$@"; fi
done
echo "sluice: Node 24 or newer is needed, and there is none on PATH or in .tools/: run 'make setup'" >&2
exit 1
