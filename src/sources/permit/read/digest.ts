import { hash, randomBytes } from 'node:crypto';

/** Of a list whose order doesn't count: equal for equal rows, each as often. Takes no memory by row. */
export interface Digest {
  add(text: string): void;
  readonly value: string;
}

/** For digests of one scan, which are compared with each other only. */
export type NewDigest = () => Digest;

/**
 * A sum of hashes, lane by lane modulo 2^32. Whoever could choose rows could make two sums equal, if they knew what
 * is hashed with them: so every scan takes a salt of its own.
 */
export function createDigests(): NewDigest {
  const salt = randomBytes(32).toString('hex');
  return () => {
    const lanes = new Uint32Array(8);
    let rows = 0;
    return {
      add(text) {
        const bytes = hash('sha256', salt + text, 'buffer');
        for (let lane = 0; lane < lanes.length; lane += 1) lanes[lane]! += bytes.readUInt32LE(lane * 4);
        rows += 1;
      },
      get value() { return `${rows} ${lanes.join(' ')}`; },
    };
  };
}
