#!/bin/sh
# What `make bench` needs beside Sluice: wrk, from PATH or from Debian's packages without root; the peers' packages by npm.
set -eu
cd "$(dirname -- "$0")/.."
(cd bench/peers && [ -e node_modules/.package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) \
  || echo 'bench: Cerbos could not be installed, it is left out' >&2
command -v taskset >/dev/null || { echo 'bench: taskset is missing: install util-linux; every server is measured alone on one core' >&2; exit 1; }
if command -v wrk >/dev/null || [ -x .tools/bin/wrk ]; then exit 0; fi
command -v apt-get >/dev/null || { echo 'bench: install wrk, or put it into .tools/bin/' >&2; exit 1; }
echo 'fetching wrk into .tools/ …'
mkdir -p .tools/bin .tools/wrk
(cd .tools/wrk && apt-get download -q wrk libluajit-5.1-2 >/dev/null && for package in *.deb; do dpkg -x "$package" . ; done) \
  || { echo 'bench: wrk could not be fetched: apt-get install wrk' >&2; exit 1; }
cat > .tools/bin/wrk <<'END'
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")/../wrk" && pwd)
LD_LIBRARY_PATH=$(dirname -- "$(find "$here" -name 'libluajit-5.1.so.2' | head -n 1)") exec "$here/usr/bin/wrk" "$@"
END
chmod +x .tools/bin/wrk
