import path from 'node:path';
import { runCases } from '../cases.ts';
import { load, toSnapshot } from '../workspace.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, foldersOf, type Command } from './command.ts';
import { createPaint } from './paint.ts';

export const test: Command = {
  summary: 'run the cases of policies/cases',
  usage: `sluice test [options]

Judges every question of policies/cases and compares decision, fields, reasons, fix and
record with what the case wants. Exit code 1 if any differs.

  --json           counts and failures as JSON
  --verbose        also the cases that pass
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, json: { type: 'boolean' }, verbose: { type: 'boolean' } },
  async run(invocation, context) {
    const folders = foldersOf(invocation, context);
    const paint = createPaint(context.colour);
    const results = await runCases(path.join(folders.policies, 'cases'), toSnapshot(await load(folders, Date.now)));
    const failed = results.filter(({ differences }) => differences.length > 0);
    const counts = { passed: results.length - failed.length, failed: failed.length, skipped: 0 };
    if (invocation.values['json'] === true) {
      context.out(
        JSON.stringify({
          ...counts,
          failures: failed.map(({ name, location, differences, reasons }) => ({
            name,
            location,
            differences,
            reasons,
          })),
        }),
      );
      return failed.length === 0 ? 0 : 1;
    }
    for (const { name, location, differences, reasons = [] } of results) {
      if (differences.length > 0) {
        const lines = [...differences, ...reasons.map((reason) => paint('dim', `because ${reason}`))];
        context.out(
          [`${paint('red', 'failed')}  ${name}  ${paint('dim', location)}`, ...lines.map((line) => `        ${line}`)].join('\n'),
        );
      } else if (invocation.values['verbose'] === true) context.out(`${paint('green', 'passed')}  ${name}`);
    }
    context.out(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`);
    return failed.length === 0 ? 0 : 1;
  },
};
