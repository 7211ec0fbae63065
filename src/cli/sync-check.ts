import type { Context, Invocation } from './command.ts';
export async function checkPermit(_invocation: Invocation, _context: Context): Promise<number> { throw new Error('todo'); }
