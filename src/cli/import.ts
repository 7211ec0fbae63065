import { importFiles } from '../sources/import/files.ts';
import { printable } from './paint.ts';
import { UsageError, type Command } from './command.ts';

export const importCommand: Command = {
  summary: 'turn JSON Schemas, Iglu schemas and tracking plans into event files',
  usage: `sluice import [options] FILE|FOLDER…

Writes one event file for each event found, with every leaf path, enum and type. No field has
a category yet, so all are denied until a person writes one. Existing files are left alone.

  --out DIR        a policies folder: files go to DIR/events (default: policies)
  --force          overwrite existing files
  --json           counts as JSON`,
  options: { out: { type: 'string' }, force: { type: 'boolean' }, json: { type: 'boolean' } },
  async run({ positionals, values }, context) {
    if (positionals.length === 0) throw new UsageError('name the files or folders to import');
    const out = typeof values['out'] === 'string' ? values['out'] : 'policies';
    const result = await importFiles(positionals, out, {
      force: values['force'] === true,
      onProgress: ({ done, total }) => { if (context.interactive) context.err(`\r${done}/${total} files`); },
    });
    if (context.interactive) context.err('\r');
    if (values['json'] === true) context.out(JSON.stringify(result));
    else context.out(`${result.events} events in ${result.files} files: ${result.written.length} written below ${out}, ${result.skipped.length} left alone`);
    for (const { file, message } of result.failed) context.err(`${printable(file)}: ${printable(message)}`);
    for (const { file, event, message } of result.warnings) context.err(`${printable(file)}: ${printable(event)}: ${printable(message)}`);
    return result.failed.length === 0 ? 0 : 1;
  },
};
