#!/bin/sh
# Prometheus and promtool for the tests: from PATH, else from Debian's package into .tools/, without root and without a service.
# Where they can't be had the tests that need them are skipped, and counted.
set -eu
cd "$(dirname -- "$0")/.."
{ command -v prometheus && command -v promtool; } >/dev/null 2>&1 && exit 0
[ -x .tools/bin/promtool ] && exit 0
command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || { echo 'Prometheus is left out: no prometheus on PATH, and no apt' >&2; exit 0; }
echo 'fetching Prometheus into .tools/ …'
mkdir -p .tools/bin .tools/prometheus
fetch() { (cd .tools/prometheus && apt-get download -q prometheus >/dev/null 2>&1); }
fetch || { apt-get update -q >/dev/null 2>&1 && fetch; } || { echo 'Prometheus is left out: apt could not fetch it (apt-get update first?)' >&2; exit 0; }
(cd .tools/prometheus && for package in *.deb; do dpkg -x "$package" . && rm "$package"; done)
cp .tools/prometheus/usr/bin/prometheus .tools/prometheus/usr/bin/promtool .tools/bin/
rm -rf .tools/prometheus
