import path from 'node:path';
import { runCases } from '../cases.ts';
import { placeIn } from '../opa/sources.ts';
import { checkIndependence, misspeltNames, undeclaredCodes } from '../vet.ts';
import { load, rulesOf, toSnapshot } from '../workspace.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, count, foldersOf, type Command } from './command.ts';

export const build: Command = {
  summary: 'check facts and rules, and build the policy bundle',
  usage: `sluice build [options]

Reads the policies, compiles the rules to WASM, and checks the form of the cases, that
every ruling depends on its own profile alone (on the inputs of the cases), and that no
rule misspells a category or purpose. Mistakes are listed with file and line. Exit code 1
if there are any.

  --json           digests and counts as JSON
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, json: { type: 'boolean' } },
  async run(invocation, context) {
    const folders = foldersOf(invocation, context);
    const loaded = await load(folders, Date.now);
    const snapshot = toSnapshot(loaded);
    const cases = await runCases(path.join(folders.policies, 'cases'), snapshot);
    const problems = [
      ...[...checkIndependence(cases.flatMap(({ judged }) => judged ?? []), loaded.engine), ...misspeltNames(loaded), ...undeclaredCodes(loaded)].map((problem) => placeIn(rulesOf(folders), problem)),
      ...cases.filter(({ malformed }) => malformed).flatMap(({ location, differences }) => differences.map((difference) => `${location}: ${difference}`)),
    ];
    for (const problem of problems) context.err(problem);
    const { facts, engine } = loaded;
    const summary = { digest: snapshot.digest, bundle: engine.digest, facts: facts.digest, rules: engine.rules.size, grants: facts.grants.size, events: facts.events.size, vendors: facts.vendors.size, identities: facts.identities.size };
    if (invocation.values['json'] === true) context.out(JSON.stringify({ ...summary, problems }));
    else if (problems.length === 0) context.out(`built: ${[count(summary.rules, 'rule'), count(summary.grants, 'grant'), count(summary.vendors, 'vendor'), count(summary.identities, 'identity', 'identities')].join(', ')}\nbundle ${summary.bundle}\nfacts  ${summary.facts}`);
    return problems.length === 0 ? 0 : 1;
  },
};
