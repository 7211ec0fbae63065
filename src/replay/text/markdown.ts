// Names come from logs and from files that others write: none may be read as markup, as a link or as HTML, wherever the
// text is shown. Escaped only where it would mean something, so that names stay readable at a terminal.
const SPECIAL = /[\\`*[\]<>|~&$@]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;
const AT_START = /^(\s*)([-+=#:]|\d+(?=[.)]))/;

/** A name as plain text in Markdown, on one line. */
export const plain = (text: string): string => visible(text).replace(SPECIAL, '\\$&').replace(AT_START, '$1\\$2').replace(/:\/\//g, ':\u200B//').replace(/\bwww\./gi, 'www\u200B.');

/** A name in code style; a backtick in it ends nothing. */
export const code = (text: string): string => `\`${visible(text).replaceAll('`', '\u02CB').replaceAll('|', '\u2223')}\``;

/** Control characters, line ends, and signs that turn the direction of writing or can't be seen are shown, not obeyed. */
const visible = (text: string) => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (c) => {
  const hex = c.codePointAt(0)!.toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
});

/** @param rows cells that are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---|').join('')}`, ...rows.map((cells) => `| ${cells.join(' | ')} |`)];
}

export const bullets = (items: readonly string[]): readonly string[] => items.map((item) => `- ${item}`);

const SHOWN = 12;

/** Names in code style, the first 12 of them. */
export function codes(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return `${names.slice(0, SHOWN).map(code).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`;
}
