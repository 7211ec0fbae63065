/**
 * A number of a JSON text that JavaScript would write otherwise: too large or too precise for a double, or in another
 * spelling (`1.0`, `1e3`, `-0`). It keeps its text. Every other number is a plain one, whose text `String` gives.
 */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A number of a payload, by its text. */
export type PayloadNumber = number | NumberText;

/** A number by its JSON text: a plain one if JavaScript writes it alike. */
export function toPayloadNumber(text: string): PayloadNumber {
  const number = Number(text);
  return String(number) === text ? number : new NumberText(text);
}

/** As it was written, or as JSON writes it: -0 is 0. */
export const numberText = (number: PayloadNumber): string => (
  typeof number === 'number' ? String(number) : number.text
);

/** ±0.d₁d₂d₃… × 10^exponent; without digits it is 0. No digit is 0 at either end. */
interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** No text is long enough to move the point this far, and no double has such an exponent: beyond it all are alike. */
const FAR = 1e12;

/** Exponents are never expanded: the time is linear in the text's length. */
function toDecimal(text: string): Decimal {
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text)!;
  const all = whole + fraction;
  let start = 0;
  while (all[start] === '0') start += 1;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end -= 1;
  if (start === end) return { negative: false, digits: '', exponent: 0 };
  const given = Math.max(-FAR, Math.min(FAR, Number(exponent)));
  return { negative: sign === '-', digits: all.slice(start, end), exponent: given + whole.length - start };
}

/** Whether the exact value is whole. */
export function isWhole(number: PayloadNumber): boolean {
  if (typeof number === 'number') return Number.isInteger(number);
  const { digits, exponent } = toDecimal(number.text);
  return exponent >= digits.length;
}

/** Negative, 0 or positive as the exact decimal value of `a` is less than, equal to or greater than that of `b`. */
export function compareExactly(a: PayloadNumber, b: number): number {
  if (typeof a === 'number') return a - b;
  const [left, right] = [toDecimal(a.text), toDecimal(String(b))];
  const [ofLeft, ofRight] = [signOf(left), signOf(right)];
  return ofLeft === ofRight ? ofLeft * compareSizes(left, right) : ofLeft - ofRight;
}

const signOf = ({ negative, digits }: Decimal) => (digits === '' ? 0 : negative ? -1 : 1);

function compareSizes(a: Decimal, b: Decimal): number {
  if (a.exponent !== b.exponent) return a.exponent - b.exponent;
  return a.digits < b.digits ? -1 : a.digits > b.digits ? 1 : 0;
}
