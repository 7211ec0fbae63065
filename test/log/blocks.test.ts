import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blocks } from '../../src/log/blocks.ts';

test('a file without lines is refused before memory is full of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blocks-'));
  const path = join(folder, 'zeros');
  writeFileSync(path, 'one\ntwo\n');
  truncateSync(path, 200 << 20);
  const file = await open(path, 'r');
  const read: string[] = [];
  await expect((async () => {
    for await (const block of blocks(file)) read.push(block.toString());
  })()).rejects.toThrow('from byte 8 on there is no line for 67108864 bytes');
  expect(read).toEqual(['one\ntwo\n']);
  await file.close();
  rmSync(folder, { recursive: true });
});

test('lines of any length come whole, wherever the chunks end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blocks-'));
  const path = join(folder, 'lines');
  const lines = [1, 0, 65_535, 1_000_000, 3, 1_048_575, 1_048_576, 2_500_000, 7, 131_072, 131_073].map((length, n) => String.fromCharCode(97 + n).repeat(length));
  writeFileSync(path, `${lines.join('\n')}\ntorn`);
  const file = await open(path, 'r');
  for (const from of [0, 2, lines[0]!.length + lines[1]!.length + 2]) {
    let text = '';
    for await (const block of blocks(file, from)) text += block.toString();
    expect(text === `${lines.join('\n')}\n`.slice(from)).toBe(true);
  }
  await file.close();
  rmSync(folder, { recursive: true });
});
