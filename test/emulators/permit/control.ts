// The knobs, over HTTP. Nothing of this is Permit's.
import { object, readBody, text } from './body.ts';
import { toSent, type Sent } from './disturb.ts';
import { malformed } from './errors.ts';
import { parseFault } from './faults.ts';
import type { Emulator } from './emulator.ts';

const NO_CONTENT = toSent({ status: 204 });

/** Undefined for every path that is not a control. @throws {Refusal} 422. */
export function control(emulator: Emulator, method: string, url: string, body: unknown): Sent | undefined {
  const [, first, id] = url.split('/');
  if (first === undefined || !first.startsWith('_')) return undefined;
  switch (`${method} ${first}${id === undefined ? '' : '/:id'}`) {
    case 'GET _faults': return toSent({ status: 200, body: emulator.faults.list() });
    case 'POST _faults': return toSent({ status: 200, body: { id: emulator.faults.add(parseFault(body)) } });
    case 'DELETE _faults': return emulator.faults.clear(), NO_CONTENT;
    case 'DELETE _faults/:id': return emulator.faults.remove(Number(id)), NO_CONTENT;
    case 'GET _requests': return toSent({ status: 200, body: emulator.requests });
    case 'PUT _clock': return emulator.skew(skewIn(body)), NO_CONTENT;
    case 'POST _keys': {
      const { from, to } = readBody(body, object({ from: text, to: text }));
      return emulator.rotateKey(from, to), NO_CONTENT;
    }
    default: return toSent({ status: 404, body: { detail: 'There is no such control: GET, POST, DELETE /_faults; GET /_requests; PUT /_clock; POST /_keys.' } });
  }
}

function skewIn(body: unknown): number {
  const skewMs = (body as { readonly skewMs?: unknown } | undefined)?.skewMs;
  if (typeof skewMs !== 'number') throw malformed([{ loc: ['body', 'skewMs'], msg: 'field required: a number of milliseconds', type: 'type_error.number' }]);
  return skewMs;
}
