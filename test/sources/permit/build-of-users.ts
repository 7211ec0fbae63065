// A build step for tests: the users in a shared buffer.
import { PermitError, type PermitData } from '../../../src/sources/permit/data.ts';
import type { Built } from '../../../src/sources/permit/keep/messages.ts';

export function build(content: PermitData, environment: string): Built {
  if (content.users.some(({ key }) => key === 'user|twice')) throw new PermitError('invalid', 'user:twice is both a user and an instance');
  if (content.users.some(({ key }) => key === 'user|bug')) throw new TypeError('user|bug has attributes { secret }');
  const count = new Int32Array(new SharedArrayBuffer(4));
  count[0] = content.users.length;
  return { message: { environment, count } };
}
