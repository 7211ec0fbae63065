import fc from 'fast-check';
import { compareExactly, isWhole, numberText, NumberText, toPayloadNumber } from '../../src/core/parse/numbers.ts';

/** By whole numbers: how many times 10^-`scale` it is. */
function scaled(text: string, scale: number): bigint {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const size = BigInt(whole! + fraction) * 10n ** BigInt(scale + Number(exponent) - fraction.length);
  return sign === '-' ? -size : size;
}

const digits = fc.string({ unit: fc.constantFrom('0', '1', '9', '5'), minLength: 1, maxLength: 20 });
const whole = digits.map((text) => text.replace(/^0+(?=\d)/, ''));
const numberOf = fc.tuple(fc.constantFrom('', '-'), whole, fc.option(digits), fc.option(fc.integer({ min: -25, max: 25 })), fc.constantFrom('e', 'E+', 'e0'))
  .map(([sign, integer, fraction, exponent, e]) => `${sign}${integer}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : exponent < 0 ? `e${exponent}` : `${e}${exponent}`}`);

test('F7: numbers compare by their exact decimal value', () => {
  const double = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 }), fc.constantFrom(0, -0, 1, 0.1, 10, 1e21, 5e-324));
  fc.assert(fc.property(fc.oneof(numberOf, double.map(String)), double, (text, other) => {
    const [a, b] = [scaled(text, 400), scaled(String(other), 400)];
    expect(Math.sign(compareExactly(toPayloadNumber(text), other)) + 0).toBe(a < b ? -1 : a > b ? 1 : 0);
    expect(Math.sign(compareExactly(new NumberText(text), other)) + 0).toBe(a < b ? -1 : a > b ? 1 : 0);
  }), { numRuns: 3000 });
});

test('F7: a number is whole by its value, not by its writing', () => {
  fc.assert(fc.property(numberOf, (text) => {
    expect(isWhole(new NumberText(text))).toBe(scaled(text, 60) % 10n ** 60n === 0n);
  }), { numRuns: 2000 });
});

test.each(([
  ['1', 1, 0], ['1.0', 1, 0], ['1e0', 1, 0], ['10E-1', 1, 0], ['0.1e1', 1, 0], ['-0', 0, 0], ['0e999999999', 0, 0], ['-0.000', 0, 0],
  ['9007199254740993', 9007199254740992, 1], ['9.9999999999999999999', 10, -1], ['0.1000000000000000000001', 0.1, 1],
  ['1e999999999', 1e308, 1], ['-1e999999999', -1e308, -1], ['1e-999999999', 0, 1], ['1e-999999999', 5e-324, -1],
  [`1e${'9'.repeat(1_000_000)}`, 1e308, 1], [`1e-${'9'.repeat(1_000_000)}`, 5e-324, -1], ['9'.repeat(1_000_000), 1e308, 1], [`0.${'0'.repeat(1_000_000)}1e1000001`, 1, 0],
] as const).map(([text, other, want]) => [text.slice(0, 24), other, want, text] as const))('F7: %s beside %s', (_shown, other, want, text) => {
  const start = performance.now();
  expect(Math.sign(compareExactly(toPayloadNumber(text), other)) + 0).toBe(want);
  expect(performance.now() - start).toBeLessThan(5_000);
});

test('F7: a number is called as it was written, and a double as JSON writes it', () => {
  for (const text of ['1', '1.0', '1e3', '-0', '9007199254740993', '1e999999999']) expect(numberText(toPayloadNumber(text))).toBe(text);
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => { expect(numberText(number)).toBe(JSON.stringify(number)); }));
});
