import { checkIndependence } from '../independence.ts';
import { runCases } from '../cases.ts';
import { load, toSnapshot } from '../workspace.ts';
import path from 'node:path';
import { FOLDER_HELP, FOLDER_OPTIONS, foldersOf, type Command } from './command.ts';

export const build: Command = {
  summary: 'check facts and rules, and build the policy bundle',
  usage: `sluice build [options]

Reads the policies, compiles the rules to WASM, and checks that every ruling depends on
its own profile alone (on the inputs of the cases). All mistakes are listed at once, with
file:line:column. Exit code 1 if there are any.

  --json           digests and counts as JSON
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, json: { type: 'boolean' } },
  async run(invocation, context) {
    const folders = foldersOf(invocation, context);
    const loaded = await load(folders, Date.now);
    const snapshot = toSnapshot(loaded);
    const cases = await runCases(path.join(folders.policies, 'cases'), snapshot);
    const problems = checkIndependence(cases.flatMap(({ judged }) => judged ?? []), loaded.engine);
    for (const problem of problems) context.err(problem);
    const { facts, engine } = loaded;
    const summary = { digest: snapshot.digest, bundle: engine.digest, facts: facts.digest, rules: engine.rules.size, grants: facts.grants.size, events: facts.events.size, vendors: facts.vendors.size, identities: facts.identities.size };
    if (invocation.values['json'] === true) context.out(JSON.stringify({ ...summary, problems }));
    else if (problems.length === 0) context.out(`built: ${summary.rules} rules, ${summary.grants} grants, ${summary.vendors} vendors, ${summary.identities} identities\nbundle ${summary.bundle}\nfacts  ${summary.facts}`);
    return problems.length === 0 ? 0 : 1;
  },
};
