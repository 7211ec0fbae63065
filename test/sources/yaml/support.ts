import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { PoliciesError, type Problem } from '../../../src/sources/yaml/problems.ts';

/** Texts by file name. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A small world without a mistake, to which the tests add one. */
export const WORLD = {
  'categories.yaml': `categories:
  user.contact.email: { sensitivity: confidential, identifiability: direct }
  user.contact.phone: { sensitivity: confidential, identifiability: direct }
  user.location.city: { sensitivity: internal, identifiability: quasi }
  user.location.region: { sensitivity: internal, identifiability: none }
  system.plan: { sensitivity: internal, identifiability: none }
  system.usage: { sensitivity: internal, identifiability: none }
`,
  'purposes.yaml': 'purposes: [analytics, analytics.reporting, marketing]\n',
  'environments.yaml': `environments:
  production: { tier: production, maxAge: 7d }
  staging: { tier: staging }
`,
  'fields.yaml': 'fields:\n  email: user.contact.email\n',
  'events/viewed.yaml': `event: page.viewed
kind: raw_event
purposes: [analytics]
defaultPurpose: analytics.reporting
fields:
  plan: system.plan
`,
  'events/report.yaml': `event: usage.report
version: 1-0-0
kind: aggregate
defaultPurpose: analytics.reporting
about: { type: account, field: account }
countField: users
envelopes: [common]
fields:
  users: { category: system.usage, role: measure }
`,
  'envelopes.yaml': 'envelopes:\n  common: { fields: { account: system.plan } }\n',
  'vendors.yaml': `vendors:
  mixpanel:
    name: Mixpanel
    party: third
    categories: [analytics]
    hosts: [api.mixpanel.com]
    edges: [{ to: openai, type: sub_processor }]
  openai:
    name: OpenAI
    party: third
    categories: [llm]
`,
  'identities.yaml': `identities:
  service:telemetry: { roles: [telemetry] }
  user:sam: {}
  user:dana: {}
`,
  'roles.yaml': 'roles:\n  telemetry: {}\n  officer: {}\n',
  'grants.yaml': `grants:
  basic:
    role: telemetry
    vendors: [mixpanel]
    purposes: [analytics]
    categories: [user.contact.*]
`,
  'relations.yaml': `relations:
  types:
    account: { owner: {}, assigned: { from: [owner] } }
  tuples: [user:sam owner account:A1]
`,
  'callers.yaml': 'callers:\n  demo: { demo: true, identities: ["*"], environments: ["*"], powers: [check] }\n',
  'context.yaml': 'context:\n  consent: { type: boolean }\n',
} satisfies Files;

const folders: string[] = [];

export async function write(files: Files): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'sluice-yaml-'));
  folders.push(dir);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), text);
  }
  return dir;
}

export const removeFolders = () => Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));

export const load = async (files: Files) => loadYaml(await write(files));

/** The problems of these files, added to the world or in place of one of its files; names are relative. */
export const problemsOf = async (files: Files): Promise<readonly Problem[]> => problemsIn(await write({ ...WORLD, ...files }));

export async function problemsIn(dir: string): Promise<readonly Problem[]> {
  try {
    await loadYaml(dir);
  } catch (error) {
    if (!(error instanceof PoliciesError)) throw error;
    return error.problems.map((problem) => ({ ...problem, file: path.relative(dir, problem.file) }));
  }
  return [];
}

const MARK = '§';

/** Files with each § taken out, and the places where one stood. */
export function unmark(files: Readonly<Record<string, string>>) {
  const places: { file: string; line: number; column: number }[] = [];
  const texts = Object.entries(files).map(([file, marked]) => {
    marked.split('\n').forEach((line, index) => line.split(MARK).slice(0, -1).reduce((before, part) => {
      places.push({ file, line: index + 1, column: before + part.length + 1 });
      return before + part.length;
    }, 0));
    return [file, marked.replaceAll(MARK, '')];
  });
  return { files: Object.fromEntries(texts) as Record<string, string>, places };
}
