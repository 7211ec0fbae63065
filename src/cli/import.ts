import { SluiceError } from '../core/errors.ts';
import { importFiles, type ImportReport } from '../sources/import/files.ts';
import { LOSES } from '../sources/import/write.ts';
import { count, UsageError, type Command, type Context } from './command.ts';
import { printable } from './paint.ts';

export const importCommand: Command = {
  summary: 'turn JSON Schemas, Iglu schemas and tracking plans into event files',
  usage: `sluice import [options] FILE|FOLDER…

Reads JSON Schemas (of any draft, in JSON or YAML), Snowplow Iglu schemas, tracking plans of
Segment and RudderStack, and event definitions of GitLab, and writes one event file for each
event, with every leaf path, enum and type. No field has a category yet, so all are denied
until a person writes one. Existing files are left alone.

A schema is named as its file; one whose file is called by its version (a/1.0.0.json) as its
folders, its $id or its title. Whatever is left out is listed; the exit code is then 1.

  --out DIR        a policies folder: files go to DIR/events (default: policies)
  --by-path        name each schema by its whole path below the folder
  --force          overwrite existing files
  --json           counts as JSON`,
  options: {
    out: { type: 'string' },
    'by-path': { type: 'boolean' },
    force: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  async run({ positionals, values }, context) {
    if (positionals.length === 0) throw new UsageError('name the files or folders to import');
    const out = typeof values['out'] === 'string' ? values['out'] : 'policies';
    const report = await importFiles(positionals, out, {
      force: values['force'] === true,
      byPath: values['by-path'] === true,
      onProgress: ({ done, total }) => {
        if (context.interactive) context.err(`\r${done}/${total} files`);
      },
    }).catch((error: unknown) => {
      throw error instanceof SluiceError ? new UsageError(error.message) : error;
    });
    if (context.interactive) context.err('\r');
    list(report, context);
    if (values['json'] === true) context.out(JSON.stringify(report));
    else for (const line of summaryOf(report, positionals, out)) context.out(line);
    return report.whole ? 0 : 1;
  },
};

function list({ failed, skipped, warnings }: ImportReport, { err }: Context): void {
  const say = (...parts: readonly (string | undefined)[]) =>
    err(
      parts
        .filter((part) => part !== undefined)
        .map(printable)
        .join(': '),
    );
  for (const { file, line, column, message } of failed)
    say(line === undefined ? file : `${file}:${line}:${column}`, message);
  for (const { source, message } of skipped) say(source, message);
  for (const { file, event, message } of warnings) say(file, event, message);
}

function summaryOf(
  { files, others, events, written, skipped, failed, warnings }: ImportReport,
  paths: readonly string[],
  out: string,
): readonly string[] {
  if (events === 0) {
    return [
      `no event in ${paths.join(', ')}: ${count(files, 'file')} of JSON, YAML or called by a version, ` +
        `${count(others, 'other file')} passed over`,
    ];
  }
  const left = failed.length + skipped.filter(({ reason }) => LOSES[reason]).length;
  const kept = skipped.length - (left - failed.length);
  const incomplete = new Set(warnings.filter(({ loses }) => loses).map(({ file, event }) => `${file}\0${event}`)).size;
  return [
    `${count(events, 'event')} in ${count(files, 'file')}: ${written.length} written below ${out}, ` +
      `${kept} there already, ${left} left out`,
    ...(left > 0 ? ['what was left out is listed above'] : []),
    ...(incomplete > 0 ? [`of ${count(incomplete, 'event')} some fields were left out: listed above`] : []),
  ];
}
