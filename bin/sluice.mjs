#!/usr/bin/env node
// Says so in one line where Node is too old; the program itself would end somewhere in the middle.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`sluice: Node 24 or newer is needed; this is ${process.version}\n`);
  process.exit(2);
}
await import('../dist/cli/main.js');
