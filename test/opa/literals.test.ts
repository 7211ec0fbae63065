import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { literalsOf } from '../../src/opa/literals.ts';
import { findBuiltOpa } from '../support/world.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-literals-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Rules, and what is looked up of them: text, what it must be, and how it is compared if not by being equal. */
const ROWS: readonly (readonly [rule: string, ...found: readonly string[]])[] = [
  ['x if input.vendor.id == "a"', 'a: vendor'],
  ['x if "a" != input.vendor.id', 'a: vendor'],
  ['x if not input.vendor.id == "a"', 'a: vendor'],
  ['x if input.vendor.id in {"a", "b"}', 'a: vendor', 'b: vendor'],
  ['x if { some id in ["a"]; id == input.vendor.id }', 'a: vendor'],
  ['x if { some id in ["a"]; not id == input.vendor.id }', 'a: vendor'],
  ['x if { v := input.vendor; v.id == "a" }', 'a: vendor'],
  ['x if "a" in input.identity.roles', 'a: role'],
  ['x if { some role in input.identity.roles; role in _roles }\n\n_roles contains "a"', 'a: role'],
  ['x if input.identity.roles[_] in _roles\n\n_roles := {"a"}', 'a: role'],
  ['x if _roles[input.identity.roles[0]]\n\n_roles := {"a": true}', 'a: role'],
  ['x if _is(input.environment.tier, "a")\n\n_is(one, other) if one == other', 'a: tier'],
  ['x if _named(input.channel)\n\n_named("a")', 'a: channel'],
  ['x if _tier == "a"\n\n_tier := input.environment.tier', 'a: tier'],
  [
    'x if _tier == "a"\n\n_tier := "b" if input.channel == "c" else := input.environment.tier',
    'a: tier',
    'b: tier',
    'c: channel',
  ],
  ['x if input.profiles[_].ancestors["a"]', 'a: category or parent'],
  ['x if { some p in input.profiles; some c in ["a"]; p.ancestors[c] }', 'a: category or parent'],
  ['x if { some p in input.profiles; "a" in object.keys(p.ancestors) }', 'a: category or parent'],
  ['x if input.profiles[0].category == "a"', 'a: category'],
  ['x if startswith(input.profiles[_].category, "a.")', 'a.: category (prefix)'],
  ['x if { some begin in {"a."}; startswith(input.profiles[_].category, begin) }', 'a.: category (prefix)'],
  ['x if endswith(input.vendor.id, "a")', 'a: vendor (suffix)'],
  ['x if contains(input.vendor.id, "a")', 'a: vendor (part)'],
  ['x if lower(input.vendor.id) == "a"', 'a: vendor (folded)'],
  ['x if count({"a"} & {r | some r in input.identity.roles}) > 0', 'a: role'],
  ['x if {"a"} - {input.vendor.id} == set()', 'a: vendor'],
  ['x if [input.vendor.id, input.channel] == ["a", "b"]', 'a: vendor', 'b: channel'],
  ['x if { every region in input.vendor.regions { region in {"a"} } }', 'a: region'],
  ['x if object.get(input.event, "kind", "none") == "a"', 'a: kind | one of none'],
  ['x if object.get(input.event, "kind", "none") == "none"'],
  [
    'x if object.get(input.vendor, "catgories", []) == []',
    'catgories: one of id,known,party,categories,confirmed,tenant,attributes,claims,state,regions,inEu,reaches',
  ],
  ['x if input.context.a == "b"', 'a: context name', 'b: context value a'],
  ['x if input.vendor.claims["a"].state == "b"', 'a: claim', 'b: claim state'],
  ['x if { some name, limit in {"a": 1}; input.vendor.claims[name].value > limit }', 'a: claim'],
  ['x if input.identity.attributes.a == "anything"', 'a: attribute'],
  ['x if { some g in input.aggregate.groupBy; g.category == "a" }', 'a: category'],
  ['x if input.vendor.tenant == "anything"'],
  ['x if { y := "nothing compares it"; y != "" }'],
];

test.each(ROWS)('F1: what %s names is known', async (rule, ...found) => {
  const file = path.join(folder, 'a.rego');
  writeFileSync(file, `package egress.rules.own.a\n\nimport rego.v2\n\n${rule}\n`);
  const module: unknown = JSON.parse(
    execFileSync(await findBuiltOpa(), ['parse', '-f', 'json', '--json-include', 'locations', file], {
      encoding: 'utf8',
    }),
  );
  const told = literalsOf('a.rego', module).map(
    ({ name, domains, test: how }) => `${name}: ${domains.join(' | ')}${how === 'equals' ? '' : ` (${how})`}`,
  );
  expect(told.toSorted()).toEqual(found.toSorted());
});

test('F1: an import of a part of the input is that part', async () => {
  const file = path.join(folder, 'b.rego');
  writeFileSync(
    file,
    'package egress.rules.own.b\n\nimport rego.v2\n\nimport input.vendor\nimport input.profiles as ps\n\nx if vendor.id == "a"\n\nx if ps[_].sensitivity == "b"\n',
  );
  const module: unknown = JSON.parse(
    execFileSync(await findBuiltOpa(), ['parse', '-f', 'json', '--json-include', 'locations', file], {
      encoding: 'utf8',
    }),
  );
  expect(
    literalsOf('b.rego', module)
      .map(({ name, domains, location }) => `${location} ${name}: ${domains.join()}`)
      .toSorted(),
  ).toEqual(['b.rego:10 b: sensitivity', 'b.rego:8 a: vendor']);
});
