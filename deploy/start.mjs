// How the container starts. At the first run it makes a world to begin with, the example's, with callers whose tokens
// exist nowhere else; SLUICE_POLICIES or a folder that is there already means that there is one.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { holdSignals, main } from '../dist/main.js';

holdSignals();

const home = process.env.SLUICE_HOME ?? '/var/lib/sluice';
delete process.env.SLUICE_HOME; // the program knows its own variables alone
const root = path.resolve(import.meta.dirname, '..');
const policies = path.join(home, 'policies');

if (process.env.SLUICE_POLICIES === undefined && !existsSync(policies)) begin();
process.env.SLUICE_POLICIES ??= policies;
process.env.SLUICE_REGO ??= path.join(root, 'rego');
process.env.SLUICE_DATA_DIR ??= path.join(home, 'data');
process.exitCode = await main();

function begin() {
  const fresh = `${policies}.new`;
  rmSync(fresh, { recursive: true, force: true });
  // Not its cases: they ask as the callers of the demo. Contents alone, since the image's own files may be read-only.
  for (const entry of readdirSync(path.join(root, 'policies'), { recursive: true, withFileTypes: true })) {
    const from = path.join(entry.parentPath, entry.name);
    const to = path.join(fresh, path.relative(path.join(root, 'policies'), from));
    if (!entry.isFile() || path.relative(fresh, to).startsWith(`cases${path.sep}`)) continue;
    mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 });
    writeFileSync(to, readFileSync(from), { mode: 0o600 });
  }
  const gateway = makeToken('gateway');
  const operator = makeToken('operator');
  writeFileSync(path.join(fresh, 'callers.yaml'), `# Made at the first start. The tokens are in ${path.join(home, 'tokens')}; take them away once they are where they belong.
callers:
  gateway: { tokenSha256: ${gateway}, identities: ["*"], environments: ["*"], powers: [check], supports: "*" }
  operator: { tokenSha256: ${operator}, powers: [read_log, vendor_state, reload, sync, poll, log_admin], supports: "*" }
`, { mode: 0o600 });
  renameSync(fresh, policies); // last: whoever is cut off before begins anew
  process.stdout.write(`First start: the facts are in ${policies}, the tokens of the callers gateway and operator in ${path.join(home, 'tokens')}.\n`);
}

/** @returns its SHA-256; the token itself stands in a file for its owner alone. */
function makeToken(caller) {
  const folder = path.join(home, 'tokens');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const token = `slc_${randomBytes(32).toString('base64url')}`;
  writeFileSync(path.join(folder, caller), `${token}\n`, { mode: 0o600 });
  return createHash('sha256').update(token).digest('hex');
}
