import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCases } from '../../src/cases.ts';
import { describe as describeAnswer } from '../../src/cli/check.ts';
import { explainJudged } from '../../src/cli/explain.ts';
import { createPaint } from '../../src/cli/paint.ts';
import type { Judged } from '../../src/judge.ts';
import { openWorld, removeWorlds, ROOT } from '../support/world.ts';

afterAll(removeWorlds);

const FOLDERS = { rego: 'rego', own: 'policies/rules' };
const plain = createPaint(false);
const explained = (judged: Judged) => explainJudged(judged, FOLDERS, plain);

/** What the text says to count, field by field. */
function readRules(text: string): Readonly<Record<string, readonly string[]>> {
  const rules: Record<string, string[]> = {};
  let field = '';
  for (const line of text.split('\n\n')[0]!.split('\n')) {
    const [, path_] = /^(\S+) {2}(?:allow|transform|review|deny) {2}/.exec(line) ?? [];
    const [, id] = /^ {2}(?:rule|grant|check|combination) (.+?):/.exec(line) ?? [];
    if (path_ !== undefined) rules[(field = path_)] = [];
    else if (id !== undefined) rules[field]!.push(id);
  }
  return rules;
}

describe('F16: explain', () => {
  test('F16: names the rules that check names, for every case, and says what check says of them', async () => {
    const { snapshot } = await openWorld();
    const results = await runCases(path.join(ROOT, 'policies', 'cases'), snapshot);
    const judged = results.flatMap((one) => one.judged ?? []);
    expect(judged.length).toBeGreaterThan(200);
    for (const one of judged) {
      const { decision } = one;
      const text = explained(one);
      const told = Object.entries(readRules(text)).map(([name, rules]) => [name, [...new Set(rules)].sort()]);
      expect(told).toEqual(Object.entries(decision.fields).map(([name, { rules }]) => [name, rules]));
      for (const { message, fix } of decision.reasons)
        for (const said of [message, `fix: ${fix}`]) expect(text).toContain(said);
      const answer = describeAnswer(decision, plain);
      for (const [line] of answer.matchAll(/smallest fix: .*/g)) expect(text).toContain(line);
      expect(text).toContain(`decision  ${decision.decision}`);
    }
  });

  test('F16: what hits, but does not count, is not told', async () => {
    const world = await openWorld({
      'grants/fixture.yaml': {
        grants: {
          hashed: {
            role: 'dashboard_telemetry',
            vendors: ['mixpanel'],
            purposes: ['analytics'],
            categories: ['user.contact.email'],
            effect: 'transform',
            obligations: [{ op: 'hmac' }],
          },
        },
      },
    });
    const judged = world.judge({
      identity: 'service:telemetry',
      vendor: 'mixpanel',
      environment: 'production',
      event: 'genai_dashboard.viewed',
      fields: ['email'],
    });
    // Of the raw address the claim rules speak, which judge what leaves.
    expect(judged.rulings![0]!.rules.map(({ rule }) => rule.id)).toContain('breach-notice-missing');
    expect(explained(judged).split('\n')).toEqual([
      'email  transform  user.contact.email',
      '  grant hashed: transform',
      '  then hmac: leaves as user.unique_id.pseudonymous',
      '',
      'decision  transform',
    ]);
  });

  test('F16: of a delegation it says whose verdict it is', async () => {
    const asked = {
      identity: 'agent:copilot',
      onBehalfOf: 'user:sam',
      vendor: 'mixpanel',
      environment: 'production',
      event: 'genai.tool_run',
      fields: ['prompt_category', 'tenant_id'],
    };
    const text = explained((await openWorld()).judge(asked));
    expect(text).toContain('grant genai-log: identity_not_allowed  user:sam → mixpanel');
    expect(text).toMatch(
      /rule genai-no-identifiers: forbid forbidden_category {2}agent:copilot → mixpanel {2}policies\/rules\/\S+:\d+/,
    );
    expect(text).toMatch(
      /rule tenant-ids-stay-home: forbid forbidden_category {2}rego\/egress\/rules\/guardrails\.rego:\d+/,
    );
  });
});

test('F16: a case that fails tells what was wanted, what came, and why', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-cases-'));
  try {
    const question =
      '{ identity: service:telemetry, vendor: mixpanel, environment: production, ' +
      'event: genai_dashboard.viewed, fields: [browser] }';
    await writeFile(
      path.join(folder, 'a.yaml'),
      [
        'cases:',
        `  - { name: hopeful, question: ${question}, want: { decision: allow } }`,
        `  - { name: right, question: ${question}, want: { decision: deny } }`,
        '  - { name: broken, question: { identity: 7 }, want: { decision: allow } }',
        '',
      ].join('\n'),
    );
    const [hopeful, right, broken] = await runCases(folder, (await openWorld()).snapshot);
    expect(hopeful).toMatchObject({
      differences: ['decision: wanted "allow", got "deny"'],
      reasons: [
        expect.stringMatching(/^category_not_granted@telemetry-basic: browser: The grant telemetry-basic does not/),
      ],
    });
    expect(right).toMatchObject({ differences: [] });
    expect(right).not.toHaveProperty('reasons');
    expect(broken!.differences).toEqual([expect.stringMatching(/^error: wanted none, got request_invalid: identity/)]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
