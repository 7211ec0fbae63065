import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SluiceError } from '../core/errors.ts';
import { parseJson, type JsonForm } from '../core/parse/json.ts';
import { MAX_BODY } from '../core/parse/limits.ts';

/** J32. */
export const BODY_LIMIT = MAX_BODY;
export const BATCH_LIMIT = 8 * BODY_LIMIT;

/** What is so short is read at once, and never refused for others: so is what an administrator sends. */
export const SMALL_BODY = 64 * 1024;
/** For the bodies of all requests under way, beyond so much of each. */
export const BODIES_LIMIT = 128 * 1024 * 1024;

const DISCARD_BYTES = 16 * 1024 * 1024;
const DISCARD_MS = 5_000;

// The client has gone: there is nobody to answer, and nothing to say about it.
const ABORTED = new Error('the client ended the request');
export const isAborted = (error: unknown): boolean => error === ABORTED;

/**
 * The JSON of a request's body.
 *
 * @param limit bytes.
 * @param form what it is, as `parseJson` takes it.
 * @throws {SluiceError} `unsupported_media_type`, `too_large`, `request_invalid`, in this order.
 */
export async function readJson(req: IncomingMessage, limit: number, form?: JsonForm): Promise<unknown> {
  return parseJson(toText(await readBytes(req, limit)), form);
}

/** A request's body as it came. @throws {SluiceError} `unsupported_media_type`, `too_large`, in this order. */
export async function readBytes(req: IncomingMessage, limit: number): Promise<Buffer> {
  checkType(req);
  return readBody(req, limit);
}

/** @throws {SluiceError} `request_invalid` */
export function toText(body: Buffer): string {
  if (body.length === 0) throw new SluiceError('request_invalid', 'the body is empty');
  if (!isUtf8(body)) throw new SluiceError('request_invalid', 'the body is not UTF-8');
  return body.toString('utf8');
}

/** Whether the request announces a body at all. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function checkType({ headers }: IncomingMessage): void {
  const type = headers['content-type'];
  if (type !== 'application/json' && (type === undefined || !isJsonType(type))) {
    throw new SluiceError('unsupported_media_type', 'the body must be application/json in UTF-8');
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw new SluiceError('unsupported_media_type', 'the body must not be compressed');
  }
}

function isJsonType(type: string): boolean {
  const [essence, ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  return essence === 'application/json' && parameters
    .filter((parameter) => parameter.startsWith('charset'))
    .every((parameter) => /^charset="?utf-?8"?$/.test(parameter));
}

// The memory is the process's, whatever the servers in it.
let heldBytes = 0;

/** Counts what a request holds of the memory for bodies, until it is answered. */
function createHold(req: IncomingMessage): (size: number) => boolean {
  let mine = 0;
  // Express's; the request's own end comes as soon as its body has been read.
  const { res = req } = req as IncomingMessage & { readonly res?: ServerResponse };
  res.once('close', () => { heldBytes -= mine; });
  return (size) => {
    const more = Math.max(0, size - SMALL_BODY) - mine;
    if (heldBytes + more > BODIES_LIMIT) return false;
    heldBytes += more;
    mine += more;
    return true;
  };
}

function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const hold = createHold(req);
    let size = 0;
    const refuse = (error: SluiceError) => {
      req.off('data', onData);
      chunks.length = 0;
      hold(0);
      reject(error);
    };
    function onData(chunk: Buffer): void {
      size += chunk.length;
      chunks.push(chunk);
      if (size > limit) refuse(new SluiceError('too_large', `the body may have ${limit} bytes`));
      else if (!hold(size)) refuse(new SluiceError('rate_limited', 'too many long bodies are on their way', { retryAfterSeconds: 1 }));
    }
    req.on('data', onData);
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    // Also comes after the end, and then says nothing.
    req.on('close', () => reject(ABORTED));
  });
}

/**
 * Reads and forgets what is left of a body, for at most 16 MiB or 5 s. A client that is still sending does not look for
 * an answer, and a connection closed on it would take the answer away (J32).
 */
export function discard(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > DISCARD_BYTES) stop();
    };
    const timer = setTimeout(stop, DISCARD_MS);
    function stop() {
      clearTimeout(timer);
      req.off('data', onData).off('end', stop).off('close', stop).pause();
      resolve();
    }
    req.on('data', onData).on('end', stop).on('close', stop).resume();
  });
}
