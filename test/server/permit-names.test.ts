// Names in rules and Permit: what Permit brings comes and goes, and no rule refuses a sync for that.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { closeEmulators, SCHEMA } from '../emulators/harness.ts';
import { endServers, failToStart, until } from '../support/server.ts';
import { copyPolicies, removeWorlds } from '../support/world.ts';
import { administered, QUESTION, revoke } from './permit-support.ts';

afterAll(async () => {
  await endServers();
  await closeEmulators();
  await removeWorlds();
});

const RULE = `package egress.rules.own.house

import rego.v2

# METADATA
# title: Guests of an export send nothing to Mixpanel
# custom:
#   code: forbidden_category
#   message: m
#   fix: f
rulings["guests-stay-home"] contains "*" if {
	"export_guest" in input.identity.roles
	input.vendor.id == "mixpanel"
}
`;

test('F1 F2: a role that Permit may bring is told at the start and refuses no sync; once it has left it is told again', async () => {
  const policies = await copyPolicies({});
  await mkdir(path.join(policies, 'rules'), { recursive: true });
  await writeFile(path.join(policies, 'rules', 'house.rego'), RULE);
  expect((await failToStart({ policies })).stderr).toMatch(
    /rules\/house\.rego:12: there is no role called export_guest/,
  );

  const { emulator, server } = await administered({ policies });
  const told = () => [...server.output().matchAll(/house\.rego:12: there is no role called export_guest/g)].length;
  await until(
    () => server.send('/readyz'),
    ({ status }) => status === 200,
  );
  expect(told()).toBe(1);

  const role = { key: 'export_guest', name: 'Guests of an export' };
  emulator.act({ method: 'POST', url: `${SCHEMA}/roles`, body: role });
  revoke(emulator);
  await until(
    () => server.check(QUESTION),
    ({ decision }) => decision === 'deny',
  );
  expect(told()).toBe(1);

  const before = (await server.check(QUESTION)).revision.number;
  emulator.act({ method: 'DELETE', url: `${SCHEMA}/roles/export_guest` });
  await until(
    () => server.check(QUESTION),
    ({ revision }) => revision.number > before,
  );
  await until(
    async () => told(),
    (count) => count === 2,
  );
  expect((await server.send('/readyz')).status).toBe(200);
});
