import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Calls `use` with the path of a real file system of its own, mounted with `options`; it is gone afterwards. */
export async function withTmpfs(options: string, use: (path: string) => Promise<void>): Promise<void> {
  const { path, unmount } = mountTmpfs(options);
  try {
    await use(path);
  } finally {
    unmount();
  }
}

/** For a test that needs to mount: `test`, or where that is not permitted one that is skipped and says why. */
export function mountTest(name: string, run: () => Promise<void>, timeoutMs?: number): void {
  try {
    mountTmpfs('size=64k').unmount();
  } catch {
    test.skip(`${name} (skipped: may not mount a tmpfs here)`, run);
    return;
  }
  test(name, run, timeoutMs);
}

function mountTmpfs(options: string): { readonly path: string; readonly unmount: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'sluice-tmpfs-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=0700,${options}`, 'tmpfs', path], { stdio: 'ignore' });
  } catch (error) {
    rmSync(path, { recursive: true });
    throw error;
  }
  return {
    path,
    unmount() {
      execFileSync('umount', ['-l', path]); // also when a failed test left a file open
      rmSync(path, { recursive: true });
    },
  };
}
