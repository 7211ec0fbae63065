/** One string for equal ones: a million tuples name far fewer objects. */
export type Pool = (text: string) => string;

export function createPool(): Pool {
  const known = new Map<string, string>();
  return (text) => {
    const same = known.get(text);
    if (same !== undefined) return same;
    known.set(text, text);
    return text;
  };
}
