/** The shortest way from `start` back to it, both ends included; undefined when there is none. */
export function cycleFrom(start: string, next: (id: string) => readonly string[]): readonly string[] | undefined {
  const before = new Map<string, string>();
  const queue = [start];
  for (const id of queue) {
    for (const following of next(id)) {
      if (following === start) return wayBack(id, before, [start]);
      if (before.has(following)) continue;
      before.set(following, id);
      queue.push(following);
    }
  }
  return undefined;
}

function wayBack(last: string, before: ReadonlyMap<string, string>, end: readonly string[]): readonly string[] {
  const way = [...end];
  for (let id: string | undefined = last; id !== undefined; id = before.get(id)) way.unshift(id);
  return way;
}
