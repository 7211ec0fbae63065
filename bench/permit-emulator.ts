// In a process of its own: the emulator with the example world and, beside it, many users and tuples. Prints its address.
import { openEmulator, PROJECT } from '../test/emulators/permit/emulator.ts';

const [users = 0, tuples = 0] = process.argv.slice(2).map(Number);
const emulator = await openEmulator({ example: true, maxRows: 10_000_000 });
const facts = `/v2/facts/${PROJECT}/production`;
const BULK = 1000;

/** Bulk operations, a thousand each, as an administrator's import would do. */
function fill(path: string, count: number, operation: (n: number) => object): void {
  for (let from = 0; from < count; from += BULK) {
    emulator.act({ method: 'POST', url: `${facts}/${path}`, body: { operations: Array.from({ length: Math.min(BULK, count - from) }, (_, index) => operation(from + index)) } });
  }
}

fill('bulk/users', users, (n) => ({ key: `service|worker-${n}`, attributes: { team: `t${n % 50}` } }));
// 200,000 accounts in trees of five, so that a parent is not a row that the same request makes.
fill('relationship_tuples/bulk', tuples, (n) => ({ subject: `account:P${n % 100_000}`, relation: 'parent', object: `account:C${n % 99_991}`, tenant: 'default' }));
process.stdout.write(`${emulator.url}\n`);
process.once('SIGTERM', () => void emulator.close());
