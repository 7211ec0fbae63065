import { Permit } from 'permitio';
import { sdk, start } from '../emulators/harness.ts';
import { DEMO_KEYS, type Emulator } from '../emulators/permit/emulator.ts';
import { until } from '../support/server.ts';
import { administered } from './permit-support.ts';

// Neither of these categories is personal or sensitive, so that nothing but roles, relations and conditions decides.
export const PLAN = 'send-system-operations-plan';
export const FLAG = 'send-system-operations-feature_flag';

/** What may be done with vendors, and nothing more: roles and relations are each scenario's own. */
export const VENDOR_ACTIONS = { [PLAN]: { name: 'Plan' }, [FLAG]: { name: 'Feature flag' } };

type Environment = keyof typeof DEMO_KEYS;
type Fill = (permit: Permit) => Promise<void>;

/** One client as its users have it: it administers, and asks what came of it. */
export interface Scenario {
  readonly permit: Permit;
  readonly key: string;
  post(path: string, body: object): Promise<Readonly<Record<string, unknown>>>;
}

/** Environments of Permit's, filled by the SDK, and a server that is administered in them. */
export async function openScenarios<E extends Environment>(fill: Readonly<Record<E, Fill>>): Promise<Readonly<Record<E, Scenario>>> {
  const emulator: Emulator = await start();
  const environments = Object.keys(fill) as E[];
  for (const environment of environments) await fill[environment](sdk(emulator, DEMO_KEYS[environment]));
  const { server } = await administered({ emulator, keys: Object.fromEntries(environments.map((environment) => [environment, DEMO_KEYS[environment]])) });
  await until(() => server.send('/readyz'), ({ status }) => status === 200);
  return Object.fromEntries(environments.map((environment): [E, Scenario] => {
    const key = DEMO_KEYS[environment];
    return [environment, {
      permit: new Permit({ token: key, apiUrl: emulator.url, pdp: `http://127.0.0.1:${server.port}`, log: { level: 'silent' } } as ConstructorParameters<typeof Permit>[0]),
      key,
      post: async (path, body) => (await server.send(path, { token: key, body })).json(),
    }];
  })) as Record<E, Scenario>;
}

/** `job|nightly send-… vendor:crm@north`; without a tenant the SDK fills in `default`. */
export type Row = readonly [question: string, allow: boolean];

/** As the SDK answers them, singly and in bulk: once what was changed in Permit has come here. */
export async function expectRows({ permit }: Scenario, rows: readonly Row[]): Promise<void> {
  const questions = rows.map(([text]) => {
    const [user = '', action = '', on = ''] = text.split(' ');
    const [resource = '', tenant] = on.split('@');
    const [type = '', key] = resource.split(':');
    return { user, action, resource: { type, ...(key !== undefined && { key }), ...(tenant !== undefined && { tenant }) } };
  });
  const told = (allowed: readonly boolean[]) => rows.map(([text], at) => `${text} ${allowed[at]}`);
  const wanted = told(rows.map(([, allow]) => allow));
  await until(async () => told(await permit.bulkCheck(questions)), (given) => String(given) === String(wanted));
  expect(told(await Promise.all(questions.map(({ user, action, resource }) => permit.check(user, action, resource))))).toEqual(wanted);
}

/** What is listed for a user, by vendor; once it has come here. */
export async function expectPermissions({ permit }: Scenario, user: string, wanted: Readonly<Record<string, readonly string[]>>, tenants?: string[]): Promise<void> {
  const listed = async () => Object.fromEntries(Object.entries(await permit.getUserPermissions(user, tenants)).map(([resource, { permissions }]) => [resource, permissions.toSorted()]));
  const full = Object.fromEntries(Object.entries(wanted).map(([resource, actions]) => [resource, actions.map((action) => `vendor:${action}`).toSorted()]));
  expect(await until(listed, (given) => JSON.stringify(sorted(given)) === JSON.stringify(sorted(full)))).toEqual(full);
}

const sorted = (object: object) => Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1));
