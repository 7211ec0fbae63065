import { createHash, randomBytes } from 'node:crypto';
import { UsageError, type Command } from './command.ts';

export const token: Command = {
  summary: 'make a caller\'s token',
  usage: `sluice token new [--json]

Prints a new random token of 256 bits, once, and the hash that callers.yaml keeps of it.
Give the token to the caller in a file of its own (mode 0600); Sluice never stores it.

To change a caller's token without an outage, let both hold for a while, and reload:
  tokenSha256:
    - { sha256: <the old one>, expires: 2026-12-31 }   # a bare date ends with its day, in UTC
    - <the new one>
Then give the caller the new token. The old one is refused from its end on, without a reload;
take its line away at the next occasion.`,
  options: { json: { type: 'boolean' } },
  async run({ positionals, values }, context) {
    if (positionals.length !== 1 || positionals[0] !== 'new') throw new UsageError('say: sluice token new');
    const secret = `slc_${randomBytes(32).toString('base64url')}`;
    const tokenSha256 = createHash('sha256').update(secret).digest('hex');
    context.out(values['json'] === true ? JSON.stringify({ token: secret, tokenSha256 }) : `token (shown once)   ${secret}\nfor callers.yaml     tokenSha256: ${tokenSha256}\nIn the place of an old one: sluice token --help says how both hold for a while.`);
    return 0;
  },
};
