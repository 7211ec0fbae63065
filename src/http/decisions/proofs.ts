import type { RequestHandler } from 'express';
import { SluiceError } from '../../core/errors.ts';
import type { Asked } from '../../pdp.ts';
import type { Reading } from '../../service/reading.ts';
import type { ReplyOptions } from '../reply.ts';
import { readerOf, type ReadingDeps } from './routes.ts';

/** What a log that is a tree offers besides its records. Texts and bytes as the C2SP formats have them. */
export interface Proofs {
  /** A `c2sp.org/tlog-proof@v1` for the record of this index; undefined while no checkpoint covers it. */
  proofOf(index: number): Promise<string | undefined>;
  /** The newest signed checkpoint; undefined before the first. */
  checkpoint(): Promise<string | undefined>;
  /** A tile by what follows `/log/tile/` (`0/x001/067`, `entries/000.p/5`); undefined when there is none. */
  tile(path: string): Promise<Uint8Array | undefined>;
}

export interface ProofDeps extends ReadingDeps {
  readonly proofs: Proofs;
}

const TEXT: ReplyOptions = { type: 'text/plain; charset=utf-8' };

export function getProof({ proofs, reply, ...deps }: ProofDeps): RequestHandler {
  const { reading } = deps;
  return async function proof(req, res) {
    const by = readerOf(deps, req, res);
    const index = await placeOf(reading, req.params['id'] as string, by);
    const text = found(await proofs.proofOf(index), 'no checkpoint covers such a record yet: ask again in a moment');
    await reading.noted('proof', String(index), by);
    reply(res, 200, text, TEXT);
  };
}

/** A record that was pruned is proved by its place all the same, to whoever has an archive of it. */
async function placeOf(reading: Reading, id: string, by: Asked): Promise<number> {
  try {
    return (await reading.record(id, by)).index;
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'not_found' && /^(0|[1-9]\d{0,14})$/.test(id)) return Number(id);
    throw error;
  }
}

export function getCheckpoint({ proofs, reply, ...deps }: ProofDeps): RequestHandler {
  const { reading } = deps;
  return async function checkpoint(req, res) {
    const by = readerOf(deps, req, res);
    const text = found(await proofs.checkpoint(), 'there is no checkpoint yet');
    await reading.noted('checkpoint', 'newest', by);
    reply(res, 200, text, TEXT);
  };
}

const TILE = /^(\d{1,2}|entries)\/(x\d{3}\/)*\d{3}(\.p\/\d{1,3})?$/;

export function getTile({ proofs, reply, ...deps }: ProofDeps): RequestHandler {
  const { reading } = deps;
  return async function tile(req, res) {
    const by = readerOf(deps, req, res);
    const path = (req.params['path'] as unknown as readonly string[]).join('/');
    const bytes = found(TILE.test(path) ? await proofs.tile(path) : undefined, 'there is no such tile');
    await reading.noted('tile', path, by);
    reply(res, 200, Buffer.from(bytes), { type: 'application/octet-stream' });
  };
}

function found<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new SluiceError('not_found', message);
  return value;
}
