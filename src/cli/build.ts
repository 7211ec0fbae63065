import path from 'node:path';
import { runCases } from '../cases.ts';
import { vet } from '../policy/vet.ts';
import { load, toSnapshot } from '../workspace.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, count, foldersOf, type Command } from './command.ts';

export const build: Command = {
  summary: 'check facts and rules, and build the policy bundle',
  usage: `sluice build [options]

Reads the policies, compiles the rules to WASM, and checks the form of the cases, that
every ruling depends on its own profile alone (on inputs of the cases and of the
catalogue), and that whatever a rule names is there. Mistakes are listed with file and
line, warnings after them. Exit code 1 if there are any mistakes.

A name that Permit brings, such as a role, is a warning where SLUICE_PERMIT_KEYS_FILE is
set. A start and a reload check the same, but for the form of the cases.

  --json           digests and counts as JSON
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, json: { type: 'boolean' } },
  async run(invocation, context) {
    const folders = foldersOf(invocation, context);
    const loaded = await load(folders, Date.now);
    const snapshot = toSnapshot(loaded);
    const cases = await runCases(path.join(folders.policies, 'cases'), snapshot);
    const judged = cases.flatMap((one) => one.judged ?? []);
    const { errors, warnings } = await vet(loaded, { folders, judged, permit: Boolean(context.env['SLUICE_PERMIT_KEYS_FILE']) });
    const malformed = cases.filter((one) => one.malformed).flatMap(({ location, differences }) => differences.map((difference) => `${location}: ${difference}`));
    const problems = [...errors, ...malformed];
    for (const problem of problems) context.err(problem);
    for (const warning of warnings) context.err(`warning: ${warning}`);
    const { facts, engine } = loaded;
    const summary = { digest: snapshot.digest, bundle: engine.digest, facts: facts.digest, rules: engine.rules.size, grants: facts.grants.size, events: facts.events.size, vendors: facts.vendors.size, identities: facts.identities.size };
    if (invocation.values['json'] === true) context.out(JSON.stringify({ ...summary, problems, warnings }));
    else if (problems.length === 0) context.out(`built: ${[count(summary.rules, 'rule'), count(summary.grants, 'grant'), count(summary.vendors, 'vendor'), count(summary.identities, 'identity', 'identities')].join(', ')}\nbundle ${summary.bundle}\nfacts  ${summary.facts}`);
    return problems.length === 0 ? 0 : 1;
  },
};
