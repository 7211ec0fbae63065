import { inEu } from '../../src/core/catalogue/regions.ts';

const EU = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' ');

test('J33: the EU, the EEA and the codes of their 30 members are inside', () => {
  expect(EU).toHaveLength(27);
  expect(['EU', 'EEA', ...EU, 'IS', 'LI', 'NO'].filter((region) => !inEu(region))).toEqual([]);
});

test('J33: of all codes of two letters no other is inside', () => {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  expect(letters.flatMap((a) => letters.map((b) => a + b)).filter(inEu)).toHaveLength(1 + 27 + 3);
});

test.each(['', 'eu', 'de', 'DE ', 'DEU', 'Germany', 'GB', 'UK', 'CH', 'EL', 'US', 'EU-WEST-1', '__proto__', 'constructor'])('J33: %j is outside', (region) => {
  expect(inEu(region)).toBe(false);
});
