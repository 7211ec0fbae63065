import { closePython, pythonSdk, withPython } from '../emulators/python/sdk.ts';
import { removeWorlds } from '../support/world.ts';
import { closeDropIns, KEYS, openDropIn, type OpenedDropIn } from './permit-support.ts';

// Permit's SDK for Python, unmodified, against a real server: its models read every answer.

let server: OpenedDropIn;
beforeAll(async () => {
  server = await openDropIn();
});
afterAll(async () => {
  await closePython();
  await closeDropIns();
  await removeWorlds();
});

const ID = 'send-user-unique_id-pseudonymous';
const EMAIL = 'send-user-contact-email';
const open = (token = KEYS['production']!) => pythonSdk({ token, pdp: server.url, api_url: server.url }).call;

describe("F19: Permit's SDK for Python", () => {
  withPython("check and bulk_check say what /check says; without a vendor's key both are false", async () => {
    const call = open();
    expect(await call('check', ['service|telemetry', ID, 'vendor:mixpanel'])).toBe(true);
    expect(await call('check', ['service|telemetry', EMAIL, 'vendor:mixpanel'])).toBe(false);
    expect(
      await call('check', [
        {
          key: 'service:telemetry',
          firstName: 'A',
          attributes: { a: [1, null] },
          roles: [{ role: 'x', tenant: 'default' }],
        },
        ID,
        { type: 'vendor', key: 'mixpanel', attributes: { a: 1 }, context: { b: 2 } },
      ]),
    ).toBe(true);
    expect(await call('check', ['service|telemetry', ID, 'vendor:mixpanel', { purpose: 'marketing' }])).toBe(false);
    expect(await call('check', ['service|telemetry', ID, 'vendor'])).toBe(false);
    const questions = [EMAIL, ID, ID].map((action, at) => ({
      user: 'service|telemetry',
      action,
      resource: at === 2 ? 'vendor' : 'vendor:mixpanel',
    }));
    expect(await call('bulk_check', [questions])).toEqual([false, true, false]);
    expect(await call('bulk_check', [[{ ...questions[1], context: { purpose: 'marketing' } }, questions[1]]])).toEqual([
      false,
      true,
    ]);
  });

  withPython('lists pass its models: permissions, authorized users, filtered objects', async () => {
    const call = open();
    const permissions = await call<Record<string, { permissions: string[] }>>('get_user_permissions', [
      'service|telemetry',
    ]);
    expect(permissions['vendor:mixpanel']!.permissions).toContain(`vendor:${ID}`);
    expect(
      await call('get_user_permissions', ['service|telemetry', ['default'], ['vendor:nobody'], ['vendor']]),
    ).toEqual({});
    expect(await call('authorized_users', [ID, 'vendor:mixpanel'])).toEqual({
      resource: 'vendor:mixpanel',
      tenant: 'default',
      users: expect.objectContaining({
        'service|telemetry': expect.arrayContaining([
          expect.objectContaining({ user: 'service|telemetry', tenant: 'default', resource: 'vendor:mixpanel' }),
        ]),
      }),
    });
    expect(await call('authorized_users', [ID, 'vendor'])).toEqual({
      resource: 'vendor:*',
      tenant: 'default',
      users: {},
    });
    const objects = ['intercom', 'mixpanel', 'nobody'].map((key) => ({ type: 'vendor', key, tenant: 'default' }));
    expect(await call('filter_objects', ['service|telemetry', ID, {}, objects])).toEqual([objects[1]]);
  });

  withPython('a wrong key is told as such, and as no outage; what is not served is an error and no false', async () => {
    await expect(
      open('permit_key_of_nobody')('check', ['service|telemetry', ID, 'vendor:mixpanel']),
    ).rejects.toMatchObject({
      kind: 'PermitConnectionError',
      message: expect.stringMatching(/403.*\n.*no key of an environment/),
    });
    await expect(open()('pdp_api.role_assignments.list')).rejects.toMatchObject({
      kind: 'PermitApiError',
      message: expect.stringContaining('501'),
    });
  });
});
