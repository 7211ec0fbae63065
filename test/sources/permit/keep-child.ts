// Writes one generation after the other and prints what is on disk, until it is killed.
import { writeSync } from 'node:fs';
import { openGenerations } from '../../../src/sources/permit/keep/generations.ts';

const [folder = ''] = process.argv.slice(2);
const generations = await openGenerations({ folder, environment: 'production', keep: 3, program: 'sluice/test' });
for (let n = 0; ; n += 1) {
  const users = Array.from({ length: 2000 }, (_, i) => ({ key: `user|u${i}`, attributes: { n } }));
  const { number, digest } = await generations.write({
    scope: { organization: 'org', project: 'proj', environment: 'env-production' },
    resources: [], roles: [], conditionSets: [], rules: [], tenants: [], users, assignments: [], instances: [], tuples: [],
  }, { verifiedAtMs: n, seen: { atMs: n, wallMs: n } });
  writeSync(1, `${number} ${digest}\n`);
  await generations.prune(number);
}
