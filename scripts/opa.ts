import path from 'node:path';
import { findOpa } from '../src/opa/toolchain.ts';

const root = path.resolve(import.meta.dirname, '..');
try {
  const { path: found, version } = await findOpa({ root, env: process.env, log: (line) => process.stderr.write(`${line}\n`) });
  process.stdout.write(`opa ${version}: ${path.relative(root, found) || found}\n`);
} catch (error) {
  process.stderr.write(`sluice: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
