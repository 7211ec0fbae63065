// Takes a data directory, says so, and keeps it until it is killed.
import { openDataDir } from '../../src/datadir/datadir.ts';

try {
  await openDataDir(process.argv[2]!);
  console.log('held');
  setInterval(() => {}, 60_000);
} catch (error) {
  console.log((error as Error).message);
}
