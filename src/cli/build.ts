import path from 'node:path';
import { runCases } from '../cases.ts';
import type { Facts } from '../core/facts.ts';
import { vet } from '../policy/vet.ts';
import { openPermitKeys } from '../sources/permit/keys.ts';
import { format } from '../sources/yaml/problems.ts';
import { warningsOf } from '../sources/yaml/warnings/warnings.ts';
import { load, toSnapshot } from '../workspace.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, count, foldersOf, type Command } from './command.ts';

export const build: Command = {
  summary: 'check facts and rules, and build the policy bundle',
  usage: `sluice build [options]

Reads the policies, compiles the rules to WASM, and checks the form of the cases, that
every ruling depends on its own profile alone (on inputs of the cases and of the
catalogue), and that whatever a rule names is there. Mistakes are listed with file and
line, warnings after them. Exit code 1 if there are any mistakes.

Warnings are of what is no mistake and seldom meant: a grant for every vendor, one that is
over or whose role nobody has, a category below the shipped one, an attribute that fits no
condition that reads it, a rule of one's own that no case and no probe hits.

A name that Permit brings, such as a role, is a warning where SLUICE_PERMIT_KEYS_FILE is
set. A start and a reload check the same, but for the form of the cases.

  --strict         warnings are mistakes
  --json           digests and counts as JSON
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, strict: { type: 'boolean' }, json: { type: 'boolean' } },
  async run(invocation, context) {
    const folders = foldersOf(invocation, context);
    const loaded = await load(folders, Date.now);
    const snapshot = toSnapshot(loaded);
    const cases = await runCases(path.join(folders.policies, 'cases'), snapshot);
    const shown = {
      judged: cases.flatMap((one) => one.judged ?? []),
      failed: cases.flatMap((one) => one.failed ?? []),
    };
    const permit = context.env['SLUICE_PERMIT_KEYS_FILE'] ?? '';
    const vetted = await vet(loaded, { folders, ...shown, permit: permit !== '' });
    const ofFacts = await warningsOf(folders.policies, {
      nowMs: loaded.loadedAtMs,
      shipped: path.join(context.root, 'policies'),
      permit: administeredIn(permit, loaded.facts),
    });
    const isStrict = invocation.values['strict'] === true;
    const unsure = [...ofFacts.map(format), ...vetted.warnings];
    const warnings = isStrict ? [] : unsure;
    const malformed = cases.filter((one) => one.malformed).flatMap(({ location, differences }) => differences.map((difference) => `${location}: ${difference}`));
    const problems = [...vetted.errors, ...malformed, ...(isStrict ? unsure : [])];
    for (const problem of problems) context.err(problem);
    for (const warning of warnings) context.err(`warning: ${warning}`);
    const { facts, engine } = loaded;
    const summary = { digest: snapshot.digest, bundle: engine.digest, facts: facts.digest, rules: engine.rules.size, grants: facts.grants.size, events: new Set([...facts.events.values()].map(({ name }) => name)).size, vendors: facts.vendors.size, identities: facts.identities.size };
    if (invocation.values['json'] === true) context.out(JSON.stringify({ ...summary, problems, warnings }));
    else if (problems.length === 0) context.out(`built: ${[count(summary.rules, 'rule'), count(summary.grants, 'grant'), count(summary.vendors, 'vendor'), count(summary.identities, 'identity', 'identities')].join(', ')}\nbundle ${summary.bundle}\nfacts  ${summary.facts}`);
    return problems.length === 0 ? 0 : 1;
  },
};

/** The environments that Permit administers; all of them, where the file of its keys can't be read here. */
function administeredIn(keysFile: string, { environments }: Facts): ReadonlySet<string> {
  if (keysFile === '') return new Set();
  try {
    return new Set(openPermitKeys(keysFile).environments());
  } catch {
    return new Set(environments.keys());
  }
}
