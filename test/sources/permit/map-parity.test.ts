// The example world decides through Permit as it does from YAML: all of policies/cases, in both environments that Permit has.
import { closeEmulators, start } from '../../emulators/harness.ts';
import { removeWorlds } from '../../support/world.ts';
import { collect, differingCases, openPermitWorld, type PermitWorld } from './map-support.ts';

const FILES = ['categories', 'dashboard', 'identities', 'incident', 'obligations', 'policies', 'real_events', 'vendors'];

afterAll(removeWorlds);

describe.each(['production', 'staging'])('R1 to R12 through Permit in %s', (environment) => {
  let world: PermitWorld;

  beforeAll(async () => {
    const emulator = await start({ example: true });
    world = await openPermitWorld(collect(emulator, environment));
  });
  afterAll(closeEmulators);

  test('R35 nothing of it is unmapped', () => expect(world.merged.unmapped).toEqual([]));

  test.each(FILES)('%s.yaml', async (file) => {
    const { run, differences } = await differingCases(`${file}.yaml`, environment, world.snapshot);
    expect(run).toBeGreaterThan(environment === 'production' ? 0 : -1);
    expect(differences).toEqual([]);
  });
});
