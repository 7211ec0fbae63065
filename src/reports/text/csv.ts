// What a spreadsheet would run as a formula; and an apostrophe, so that the guard itself can be told from the text.
const GUARDED = /^['=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/;

/** A cell that a spreadsheet shows as text; `fromCell` gives the very text back. */
export function toCell(text: string): string {
  const guarded = GUARDED.test(text) ? `'${text}` : text;
  return /[",;\s]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

const fromCell = (cell: string) => (cell.startsWith("'") && GUARDED.test(cell.slice(1)) ? cell.slice(1) : cell);

/** RFC 4180, the names of the columns first. */
export const toCsv = (columns: readonly string[], rows: readonly (readonly string[])[]): string => (
  [columns, ...rows].map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('')
);

/** The cells of each line; quoted ones may hold line ends. @throws {Error} naming the line of a quote that never ends. */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let [row, cell, quoted, line, opened]: [string[], string, boolean, number, number] = [[], '', false, 1, 0];
  const endCell = () => {
    row.push(fromCell(cell));
    cell = '';
  };
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length; at += 1) {
    const c = text[at]!;
    if (c === '\n') line += 1;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[at + 1] === '"') cell += text[at += 1];
      else quoted = false;
    } else if (c === '"' && cell === '') [quoted, opened] = [true, line];
    else if (c === ',') endCell();
    else if (c === '\n') {
      endCell();
      rows.push(row);
      row = [];
    } else if (c !== '\r' || text[at + 1] !== '\n') cell += c;
  }
  if (quoted) throw new Error(`line ${opened}: a quote is opened and never closed`);
  if (cell !== '' || row.length > 0) {
    endCell();
    rows.push(row);
  }
  return rows;
}
