/** Does it once; the result gives, or throws, what came of it as often as it is called. */
export function settle<T>(make: () => T): () => T {
  try {
    const value = make();
    return () => value;
  } catch (error) {
    return () => { throw error; };
  }
}
