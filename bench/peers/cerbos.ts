import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Judged } from '../../src/judge.ts';
import type { Snapshot } from '../../src/snapshot.ts';
import { categoryOf, FIELDS_PER_EVENT, fieldPath, type BenchGrant, type BenchQuestion, type BenchVendor } from '../world.ts';
import { vendorFacts } from './opa.ts';
import type { Objection } from './objections.ts';

// One action a field, as its documentation recommends; one resource kind for the events that have the same fields, one
// rule a grant with three conditions, one DENY rule an objection. The caller resolves the vendor's facts: Cerbos has none.

const AREAS = 5;
const kindOf = (area: number) => `area${area}`;
const fields = Array.from({ length: FIELDS_PER_EVENT }, (_, field) => field);

export interface CerbosWorld {
  readonly folder: string;
  readonly grants: readonly BenchGrant[];
  readonly objections: readonly Objection[];
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly audit: boolean;
}

/** Writes policies and configuration. @returns path of the configuration. */
export async function writeCerbos({ folder, grants, objections, httpPort, grpcPort, audit }: CerbosWorld): Promise<string> {
  const policies = path.join(folder, 'policies');
  await mkdir(policies, { recursive: true });
  for (let area = 0; area < AREAS; area += 1) {
    const actionsOf = (isIn: (category: string) => boolean) => fields.filter((field) => isIn(categoryOf(area, field))).map(fieldPath);
    const allow = grants.map((grant) => ({
      name: grant.id.replaceAll('-', '_'), actions: actionsOf((category) => grant.categories.includes(category)), effect: 'EFFECT_ALLOW', roles: [grant.role],
      condition: { match: { all: { of: [`R.attr.vendor.kind == "${grant.kind}"`, `R.attr.environment in ${JSON.stringify(grant.environments)}`, `R.attr.purpose == "${grant.purpose}"`].map((expr) => ({ expr })) } } },
    }));
    const deny = objections.map(({ rule, speaksOf, cel }) => ({ name: rule.replaceAll('-', '_'), actions: actionsOf(speaksOf), effect: 'EFFECT_DENY', roles: ['*'], condition: { match: { expr: cel } } }));
    const rules = [...allow, ...deny].filter(({ actions }) => actions.length > 0);
    await writeFile(path.join(policies, `${kindOf(area)}.yaml`), stringify({ apiVersion: 'api.cerbos.dev/v1', resourcePolicy: { version: 'default', resource: kindOf(area), rules } }, { aliasDuplicateObjects: false }));
  }
  const config = path.join(folder, 'cerbos.yaml');
  await writeFile(config, stringify({
    server: { httpListenAddr: `127.0.0.1:${httpPort}`, grpcListenAddr: `127.0.0.1:${grpcPort}` },
    storage: { driver: 'disk', disk: { directory: policies, watchForChanges: false } },
    telemetry: { disabled: true },
    ...(audit && { audit: { enabled: true, accessLogsEnabled: false, decisionLogsEnabled: true, backend: 'file', file: { path: path.join(folder, 'audit.log') } } }),
  }));
  return config;
}

export function cerbosBody(question: BenchQuestion, vendors: ReadonlyMap<string, BenchVendor>, snapshot: Snapshot): string {
  const { identity, vendor, environment, purpose, event } = question;
  return JSON.stringify({
    principal: { id: identity, roles: snapshot.world.catalogue.rolesOf(identity) },
    resources: [{
      resource: { kind: kindOf(Number(/^area(\d+)\./.exec(event)![1])), id: event, attr: { environment, purpose, vendor: vendorFacts(vendors.get(vendor)!, snapshot) } },
      actions: question.fields,
    }],
  });
}

/** By field, whether it may leave. */
export const allowedByUs = ({ decision }: Judged): Readonly<Record<string, boolean>> => (
  Object.fromEntries(Object.entries(decision.fields).map(([field, { effect }]) => [field, effect === 'allow' || effect === 'transform']))
);

export function allowedByCerbos(answer: unknown): Readonly<Record<string, boolean>> {
  const [result] = (answer as { results: { actions: Record<string, string> }[] }).results;
  return Object.fromEntries(Object.entries(result!.actions).map(([action, effect]) => [action, effect === 'EFFECT_ALLOW']));
}
