/** Two words that key a hash. */
export type Seed = readonly [number, number];
