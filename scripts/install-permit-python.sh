#!/bin/sh
# Permit's SDK for Python into a virtual environment under .tools/, once for each state of its requirements.
# Where it can't be had the tests that need it are skipped, and counted.
set -eu
cd "$(dirname -- "$0")/.."
wanted=tools/permit-python/requirements.txt
venv=.tools/permit-python
cmp -s "$wanted" "$venv/installed.txt" && exit 0
command -v python3 >/dev/null 2>&1 || { echo 'Permit'\''s SDK for Python is left out: there is no python3' >&2; exit 0; }
echo 'fetching Permit'\''s SDK for Python into .tools/ …'
rm -rf "$venv"
{ python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$wanted"; } >"$venv.log" 2>&1 || {
  echo "Permit's SDK for Python is left out: python3 -m venv or pip failed, see $venv.log" >&2
  rm -rf "$venv"
  exit 0
}
# The last of all: without it nothing counts as installed.
cp "$wanted" "$venv/installed.txt"
