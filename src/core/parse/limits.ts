// J32. Whoever asks and whoever answers count alike.

/** Lists and objects inside each other, the outermost counted; in a list of items those of each item. */
export const MAX_DEPTH = 32;
/** Of a list of items; a longer one is too large, whatever its items are. */
export const MAX_ITEMS = 1000;
/** Values of a payload, with empty objects and lists. */
export const MAX_LEAVES = 10_000;
/** Bytes of a question as JSON. */
export const MAX_BODY = 1024 * 1024;
