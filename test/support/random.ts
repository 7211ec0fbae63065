/** What random tests begin with: printed with them, and given back by SEED. */
export const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** From 0 to 1, the same for the same seed. */
export function createRandom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
