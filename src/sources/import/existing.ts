import { parseTexts, readTexts } from '../yaml/files.ts';
import { membersOf } from '../yaml/names.ts';
import { PoliciesError } from '../yaml/problems.ts';

/** The events that a policies folder has, by `name@version`. */
export type Existing = ReadonlyMap<
  string,
  {
    readonly name: string;
    /** Below the folder. */
    readonly file: string;
    /** Of its fields, also those that its envelopes give it. */
    readonly paths: ReadonlySet<string>;
  }
>;

/** What can't be read there is as if it weren't: a build says it. */
export async function readExisting(dir: string): Promise<Existing> {
  const texts = await readTexts(dir).catch((error: unknown) => {
    if (error instanceof PoliciesError) return [];
    throw error;
  });
  const { files } = parseTexts(
    '',
    texts.filter(({ name }) => /^(?:events|envelopes)\b/.test(name)),
  );
  const fieldsOf = (raw: unknown) => Object.keys(membersOf(membersOf(raw)['fields']));
  const envelopes = new Map(
    files
      .filter(({ kind }) => kind === 'envelopes')
      .flatMap(({ raw }) => Object.entries(membersOf(membersOf(raw)['envelopes'])))
      .map(([name, envelope]) => [name, fieldsOf(envelope)]),
  );
  return new Map(
    files
      .filter(({ kind }) => kind === 'events')
      .map(({ file, raw }) => {
        const { event, version = '1', envelopes: included } = membersOf(raw);
        const shared = Object.values(membersOf(included)).flatMap((name) => envelopes.get(String(name)) ?? []);
        return [
          `${String(event)}@${String(version)}`,
          { name: String(event), file: file.replaceAll('\\', '/'), paths: new Set([...fieldsOf(raw), ...shared]) },
        ];
      }),
  );
}
