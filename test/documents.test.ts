import { readFileSync } from 'node:fs';
import path from 'node:path';
import { OBLIGATION_OPS, POWERS } from '../src/core/vocabulary.ts';

const text = (file: string) => readFileSync(path.resolve(__dirname, '..', file), 'utf8');

test('F21: policies/README.md names every power and every obligation', () => {
  const readme = text('policies/README.md');
  const listOf = (label: string) => new RegExp(`# ${label}: ((?:[a-z_]+ ?)+)$`, 'm').exec(readme)?.[1]?.trim().split(' ');
  expect(listOf('powers')).toEqual([...POWERS]);
  expect(listOf('obligations')).toEqual([...OBLIGATION_OPS]);
});
