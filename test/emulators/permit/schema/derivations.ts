import { hash } from 'node:crypto';
import { flag, idOrKey, list, object, optional, readBody } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Route } from '../call.ts';
import { duplicate, notFound, refuse } from '../errors.ts';
import type { Derivation, DerivationRule, Environment, Resource, Role } from '../rows.ts';
import { findResource, findRole } from './find.ts';

const When = object({ no_direct_roles_on_object: optional(flag) });
const RuleBody = { role: idOrKey, on_resource: idOrKey, linked_by_relation: idOrKey };
const RuleCreate = object({ ...RuleBody, when: optional(When) });

/** `granted_to` of a role. */
export const Derived = object({ when: optional(When), users_with_role: optional(list(RuleCreate)) });

const EMPTY: Derivation = { noDirectRoles: false, rules: [] };
const when = (noDirectRoles: boolean) => ({ no_direct_roles_on_object: noDirectRoles });

const toRule = ({ role, on, relation, noDirectRoles }: DerivationRule) => ({
  role: role.key, on_resource: on.key, linked_by_relation: relation.key, when: when(noDirectRoles), role_id: role.id, resource_id: on.id, relation_id: relation.id,
});

/** Null for a role that nothing derives; that the block's id stays the role's for good is assumed (facts 9). */
export const toGrantedTo = ({ id, derivation }: Role) => derivation === undefined ? null : {
  id: hash('sha256', `granted_to ${id}`).slice(0, 32), when: when(derivation.noDirectRoles), users_with_role: derivation.rules.map(toRule),
};

/** @throws {Refusal} 404, or 400 for a relation to another type (assumed, facts 7). */
function ruleOf(environment: Environment, resource: Resource, given: Omit<ReturnType<typeof RuleCreate>, 'when'>, noDirectRoles: boolean): DerivationRule {
  const on = findResource(environment, given.on_resource);
  const relation = resource.relations.find(given.linked_by_relation);
  if (relation === undefined) throw notFound('relation', given.linked_by_relation);
  if (relation.subject !== on) throw refuse('MISMATCH_RELATION_TYPE', `The relation '${relation.key}' is to '${relation.subject.key}', not to '${on.key}'.`);
  return { role: findRole(on, given.role), on, relation, noDirectRoles };
}

export const derivationOf = (environment: Environment, resource: Resource, given: ReturnType<typeof Derived>): Derivation => ({
  noDirectRoles: given.when?.no_direct_roles_on_object ?? false,
  rules: (given.users_with_role ?? []).map((rule) => ruleOf(environment, resource, rule, rule.when?.no_direct_roles_on_object ?? false)),
});

const isSame = (a: DerivationRule, b: DerivationRule) => a.role === b.role && a.relation === b.relation;

function roleOf(call: EnvironmentCall): { readonly resource: Resource; readonly role: Role; readonly derivation: Derivation } {
  const resource = findResource(call.environment, param(call, 'resource'));
  const role = findRole(resource, param(call, 'role'));
  return { resource, role, derivation: role.derivation ?? EMPTY };
}

const GRANTS = '/resources/:resource/roles/:role/implicit_grants';

export const derivationRoutes: readonly Route<EnvironmentCall>[] = [
  ['POST', GRANTS, (call) => {
    const { resource, role, derivation } = roleOf(call);
    const given = readBody(call.body, RuleCreate);
    const rule = ruleOf(call.environment, resource, given, given.when?.no_direct_roles_on_object ?? false);
    if (derivation.rules.some((one) => isSame(one, rule))) throw duplicate('derivation', `${rule.on.key}#${rule.role.key}`);
    role.derivation = { ...derivation, rules: [...derivation.rules, rule] };
    return ok(toRule(rule));
  }],
  ['DELETE', GRANTS, (call) => {
    const { resource, role, derivation } = roleOf(call);
    const rule = ruleOf(call.environment, resource, readBody(call.body, object(RuleBody)), false);
    const rules = derivation.rules.filter((one) => !isSame(one, rule));
    if (rules.length === derivation.rules.length) throw notFound('derivation', `${rule.on.key}#${rule.role.key}`);
    role.derivation = { ...derivation, rules };
    return NO_CONTENT;
  }],
  ['PUT', `${GRANTS}/conditions`, (call) => {
    const { role, derivation } = roleOf(call);
    const noDirectRoles = readBody(call.body, When).no_direct_roles_on_object ?? false;
    role.derivation = { ...derivation, noDirectRoles };
    return ok(when(noDirectRoles));
  }],
];
