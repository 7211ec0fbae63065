// Permit's REST API on this machine, with the example world in it: `PORT=8282 npm run permit-emulator`.
import { DEMO_KEYS, ENVIRONMENTS, openEmulator, PROJECT } from './emulator.ts';

const DEFAULT_PORT = 8282;

const port = Number(process.env['PORT'] ?? DEFAULT_PORT);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error('PORT must be a whole number from 0 to 65535');
  process.exit(2);
}

const emulator = await openEmulator({ port, example: true }).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
console.log(`Permit's REST API, emulated, listens on ${emulator.url}
It holds the example world in the project ${PROJECT}, environments ${ENVIRONMENTS.join(' and ')}. Nothing is kept when it ends.
Keys:
${Object.entries(DEMO_KEYS).map(([opens, key]) => `  ${key.padEnd(30)} ${opens}`).join('\n')}
Faults: POST, GET, DELETE ${emulator.url}/_faults`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close());
