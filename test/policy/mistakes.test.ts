import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from '../../src/cli/build.ts';
import { openSluice, type Observer, type Sluice } from '../../src/index.ts';
import { loadBundle, PolicyError } from '../../src/opa/build.ts';
import { mistakesOf } from '../../src/service/mistakes.ts';
import { copyPolicies, findBuiltOpa, removeWorlds, ROOT, RULES } from '../support/world.ts';

const observer: Observer = { decided() {}, refused() {}, evaluationFailed() {}, appended() {}, activated() {} };
let warned: string[] = [];
const logger = {
  info() {},
  warn: (members: object) =>
    void warned.push(...((members as { readonly warnings?: readonly string[] }).warnings ?? [])),
  error() {},
};
const METADATA = '# METADATA\n# title: t\n# custom:\n#   code: forbidden_category\n#   message: m\n#   fix: f\n';

let folder: string;
let policies: string;
let env: Record<string, string | undefined>;
let sluice: Sluice;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-mistakes-'));
  policies = await copyPolicies({});
  await rm(path.join(policies, 'cases'), { recursive: true }); // what they show is shown elsewhere, and they take long
  env = { ...process.env, SLUICE_OPA: await findBuiltOpa() };
  await loadBundle({ ...RULES, cache: path.join(folder, 'build', 'bundles'), opa: findBuiltOpa });
  sluice = await openSluice(await optionsOf('served'));
});
afterAll(async () => {
  await sluice.close();
  await removeWorlds();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  warned = [];
});
afterEach(async () => {
  for (const name of ['house.rego', 'house_test.rego']) await rm(path.join(policies, 'rules', name), { force: true });
});

/** A data directory of its own that has what was built so far, since only the first of the ways needs to build. */
async function optionsOf(name: string) {
  const dataDir = path.join(folder, name);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await share(name);
  return { policies, rego: path.join(ROOT, 'rego'), dataDir, root: ROOT, env, logger, observer, memoBytes: 1 << 20 };
}

const share = (name: string) =>
  cp(path.join(folder, 'build', 'bundles'), path.join(folder, name, 'bundles'), { recursive: true });

async function building(more: Readonly<Record<string, string>> = {}) {
  const err: string[] = [];
  const said: string[] = [];
  const code = await build
    .run(
      {
        values: { policies, rego: path.join(ROOT, 'rego'), 'data-dir': path.join(folder, 'build'), json: true },
        positionals: [],
      },
      {
        root: ROOT,
        env: { ...env, ...more } as NodeJS.ProcessEnv,
        out: (text) => void said.push(text),
        err: (text) => void err.push(text),
        colour: false,
        interactive: false,
        stdin: async () => '',
      },
    )
    .catch((error: unknown) => {
      if (!(error instanceof PolicyError)) throw error;
      err.push(...error.problems);
      return 1;
    });
  const { problems = err, warnings = [] } =
    said.length === 0
      ? {}
      : (JSON.parse(said.join('')) as { readonly problems: readonly string[]; readonly warnings: readonly string[] });
  // Of cases, which are left out here, others tell.
  return { code, err, problems, warnings: warnings.filter((warning) => warning.includes('there is no')) };
}

let starts = 0;

const starting = async () => {
  const opened = await openSluice(await optionsOf(`start-${(starts += 1)}`)).catch((error: unknown) => error);
  if (!(opened instanceof Error)) await (opened as Sluice).close();
  return opened instanceof Error ? mistakesOf(opened) : [];
};

const house = (body: string) => `package egress.rules.own.house\n\nimport rego.v2\n\n${METADATA}${body}\n`;
const when = (condition: string) =>
  house(`rulings["x"] contains index if {\n\tsome index, profile in input.profiles\n\t${condition}\n}`);
const all = (condition: string) => house(`rulings["x"] contains "*" if ${condition}`);

/** It looks at how many profiles there are. */
const CROWD =
  'rulings["x"] contains index if {\n\tCONDITION\n\tcount(input.profiles) > 1\n\tsome index, _ in input.profiles\n}';

/** Each is refused by build, reload and start, with the same words. */
const MISTAKES: readonly {
  readonly name: string;
  readonly text: string;
  readonly says: RegExp;
  readonly file?: string;
}[] = [
  {
    name: 'a shape that never counts',
    text: house('rulings["x"] if input.channel == "export"'),
    says: /house\.rego:11: rulings\["x"\] is no set of profiles/,
  },
  {
    name: 'a rule in a file of tests',
    file: 'house_test.rego',
    text: all('input.channel == "export"'),
    says: /house_test\.rego:1: the file is called a test/,
  },
  {
    name: 'a misspelt category',
    text: when('profile.ancestors["user.contct.email"]'),
    says: /house\.rego:13: there is no category called user\.contct\.email \(did you mean user\.contact\.email\?\)/,
  },
  {
    name: 'a selector for an ancestor',
    text: when('profile.ancestors["user.unique_id.*"]'),
    says: /house\.rego:13: there is no category called user\.unique_id\.\* \(write user\.unique_id/,
  },
  {
    name: 'another character than a category has',
    text: when('profile.ancestors["user.unique-id"]'),
    says: /house\.rego:13: there is no category called user\.unique-id/,
  },
  {
    name: "a parent as a field's category",
    text: when('profile.category == "user.unique_id"'),
    says: /house\.rego:13: .* user\.unique_id \(it is a parent: write profile\.ancestors\["user\.unique_id"\]\)/,
  },
  {
    name: 'the beginning of no category',
    text: when('startswith(profile.category, "usr.")'),
    says: /house\.rego:13: there is no category whose name begins with usr\./,
  },
  {
    name: 'a vendor',
    text: all('input.vendor.id == "mixpannel"'),
    says: /house\.rego:11: there is no vendor called mixpannel \(did you mean mixpanel\?\)/,
  },
  {
    name: 'a vendor in another case',
    text: all('lower(input.vendor.id) == "mixpannel"'),
    says: /no vendor called mixpannel/,
  },
  {
    name: 'a vendor that is negated',
    text: all('not input.vendor.id == "mixpannel"'),
    says: /no vendor called mixpannel/,
  },
  {
    name: 'a vendor in a constant',
    text: house('rulings["x"] contains "*" if input.vendor.id in _banned\n\n_banned := {"amplitude", "segmnt"}'),
    says: /house\.rego:13: there is no vendor called segmnt/,
  },
  {
    name: 'a vendor in a helper',
    text: house('rulings["x"] contains "*" if _banned(input.vendor.id)\n\n_banned(id) if id != "segmnt"'),
    says: /house\.rego:13: there is no vendor called segmnt/,
  },
  {
    name: 'an environment',
    text: all('input.environment.id == "prodution"'),
    says: /there is no environment called prodution \(did you mean production\?\)/,
  },
  { name: 'a tier', text: all('input.environment.tier == "prod"'), says: /there is no tier called prod/ },
  {
    name: 'a channel',
    text: all('input.channel == "exprt"'),
    says: /there is no channel called exprt \(did you mean export\?\)/,
  },
  { name: 'a party', text: all('not input.vendor.party == "1st"'), says: /there is no party called 1st/ },
  {
    name: 'a sensitivity',
    text: when('profile.sensitivity in {"secret"}'),
    says: /there is no sensitivity called secret/,
  },
  {
    name: 'an identifiability',
    text: when('not profile.identifiability == "non"'),
    says: /there is no identifiability called non/,
  },
  { name: 'a kind of event', text: all('input.event.kind == "raw"'), says: /there is no kind of event called raw/ },
  {
    name: 'an event',
    text: all('input.event.id == "usage.evnt"'),
    says: /there is no event called usage\.evnt \(did you mean usage\.event\?\)/,
  },
  {
    name: 'a role',
    text: all('"suport_agent" in input.identity.roles'),
    says: /there is no role called suport_agent \(did you mean support_agent\?\)/,
  },
  {
    name: 'an identity',
    text: all('input.identity.id == "service:telemtry"'),
    says: /there is no identity called service:telemtry/,
  },
  {
    name: 'a type of identity',
    text: all('input.identity.type == "robot"'),
    says: /there is no type of identity called robot/,
  },
  {
    name: 'a purpose',
    text: all('input.purpose.ancestors["analytcs"]'),
    says: /there is no purpose called analytcs \(did you mean analytics\?\)/,
  },
  {
    name: 'a state of a claim',
    text: all('input.vendor.claims.dpa.state == "signed"'),
    says: /there is no state of a claim called signed|house\.rego:11: rego_type_error/,
  },
  {
    name: 'a claim',
    text: house(
      'rulings["x"] contains "*" if {\n\tsome name in ["dpa", "retenton_days"]\n\tnot input.vendor.claims[name].state == "valid"\n}',
    ),
    says: /house\.rego:12: there is no claim called retenton_days \(did you mean retention_days\?\)/,
  },
  {
    name: 'a category of vendors',
    text: all('"analytic" in input.vendor.categories'),
    says: /there is no category of vendors called analytic/,
  },
  {
    name: 'a state of a vendor',
    text: all('input.vendor.state == "suspended"'),
    says: /there is no state of a vendor called suspended/,
  },
  { name: 'a region', text: all('not input.dataSubject.region in {"UK"}'), says: /there is no region called UK/ },
  {
    name: 'a code that nobody declared',
    text: all('input.channel == "export"').replace('forbidden_category', 'x_nobody'),
    says: /house\.rego:11: rule x: the code x_nobody stands in no codes\.yaml/,
  },
  {
    name: 'other profiles than its own',
    text: house(CROWD.replace('CONDITION', 'input.channel == "export"')),
    says: /house\.rego:11: rule x says something else of \S+ alone than together/,
  },
  {
    name: 'other profiles, when it acts for somebody',
    text: house(CROWD.replace('CONDITION', 'input.delegation')),
    says: /rule x says something else of/,
  },
  {
    name: 'other profiles, of aggregates',
    text: house(CROWD.replace('CONDITION', 'count(input.aggregate.groupBy) > 0')),
    says: /rule x says something else of/,
  },
  {
    name: 'other profiles, of what is about something',
    text: house(CROWD.replace('CONDITION', 'input.about')),
    says: /rule x says something else of/,
  },
  {
    name: 'two values at once',
    text: house(
      'rulings["x"] contains "*" if _level == 3\n\n_level := 1 if input.channel == "prompt"\n\n_level := 2 if input.vendor.party == "third"',
    ),
    says: /house\.rego:\d+: the rules can't be evaluated: /,
  },
];

describe('F2: what build refuses, reload and start refuse with the same words', () => {
  test.each(MISTAKES)('F1: $name', async ({ text, says, file = 'house.rego' }) => {
    await writeFile(path.join(policies, 'rules', file), text);
    const { code, problems } = await building();
    expect([code, problems]).toEqual([1, expect.arrayContaining([expect.stringMatching(says)])]);

    await share('served');
    const digest = sluice.pdp.status().digest;
    expect(await sluice.pdp.reload()).toEqual({ ok: false, errors: problems, digest });
    expect(await starting()).toEqual(problems);
  });

  test('what nobody is called in an input may be written: ? and unknown', async () => {
    await writeFile(
      path.join(policies, 'rules', 'house.rego'),
      house('rulings["x"] contains "*" if input.vendor.id in {"?", "unknown"}'),
    );
    expect(await building()).toMatchObject({ code: 0, problems: [], warnings: [] });
    expect(await sluice.pdp.reload()).toMatchObject({ ok: true });
  });
});

describe('F1: a name that comes and goes is told, and refuses nothing', () => {
  test('an attribute, a label: nobody has it, and somebody may', async () => {
    await writeFile(path.join(policies, 'rules', 'house.rego'), all('input.identity.attributes.contractor'));
    const { code, warnings, problems } = await building();
    expect([code, problems, warnings]).toEqual([
      0,
      [],
      [expect.stringMatching(/house\.rego:11: there is no attribute of an identity called contractor/)],
    ]);
    expect(await sluice.pdp.reload()).toMatchObject({ ok: true, errors: [] });
    expect(warned).toEqual(warnings);
    expect(await starting()).toEqual([]);
    expect(warned).toEqual([...warnings, ...warnings]);
    await sluice.pdp.reload(); // told once
    expect(warned).toHaveLength(2);
  });

  test('a role is an error, and a warning where an environment is administered in Permit', async () => {
    await writeFile(path.join(policies, 'rules', 'house.rego'), all('"export_guest" in input.identity.roles'));
    expect(await building()).toMatchObject({ code: 1 });
    const { code, err, warnings } = await building({ SLUICE_PERMIT_KEYS_FILE: '/somewhere/keys' });
    expect([code, warnings]).toEqual([
      0,
      [expect.stringMatching(/house\.rego:11: there is no role called export_guest/)],
    ]);
    expect(err).toEqual(expect.arrayContaining(warnings.map((warning) => `warning: ${warning}`)));
  });

  test('a reload that would fail only because a name left the facts warns; one that brings a wrong name fails', async () => {
    const events = path.join(policies, 'events', 'house.yaml');
    const event =
      'event: house.moved\nkind: raw_event\nowner: us\ndefaultPurpose: analytics.reporting\nfields: { plan: system.operations.plan }\n';
    await writeFile(events, event.replace('system.operations.plan', 'system.operations.event_name'));
    await writeFile(path.join(policies, 'rules', 'house.rego'), all('input.event.id == "house.moved"'));
    expect(await sluice.pdp.reload()).toMatchObject({ ok: true });
    expect(warned).toEqual([]);
    await rm(events);
    expect(await sluice.pdp.reload()).toMatchObject({ ok: true, errors: [] });
    expect(warned).toEqual([expect.stringMatching(/house\.rego:11: there is no event called house\.moved any more/)]);
    expect(await building()).toMatchObject({ code: 1 });
    await writeFile(path.join(policies, 'rules', 'house.rego'), all('input.event.id == "house.moves"'));
    expect(await sluice.pdp.reload()).toMatchObject({ ok: false });
  });
});
