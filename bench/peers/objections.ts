// The shipped rules that workload E can hit, as its peers state them: which categories a rule speaks of, and when it holds.
// What the workload can't hit (unknown names, delegation, aggregates, payloads, combinations) the peers are spared.

export interface Objection {
  readonly rule: string;
  readonly speaksOf: (category: string) => boolean;
  /** In Rego, on `vendor`; each line must hold. */
  readonly rego: readonly string[];
  /** In CEL, on the attributes of the resource. */
  readonly cel: string;
}

const under = (...above: readonly string[]) => (category: string) => above.some((name) => category === name || category.startsWith(`${name}.`));
const third = { rego: 'vendor.party != "first"', cel: 'R.attr.vendor.party != "first"' };
/** @param test what must hold of the claim; absent: that it was made. */
const claim = (name: string, test?: string) => (test === undefined
  ? { rego: `not vendor.claims.${name}`, cel: `!has(R.attr.vendor.claims.${name})` }
  : { rego: `not vendor.claims.${name} ${test}`, cel: `has(R.attr.vendor.claims.${name}) && !(R.attr.vendor.claims.${name} ${test})` });

function objection(rule: string, speaksOf: Objection['speaksOf'], ...parts: readonly { readonly rego: string; readonly cel: string }[]): Objection {
  return { rule, speaksOf, rego: parts.map(({ rego }) => rego), cel: parts.map(({ cel }) => `(${cel})`).join(' && ') };
}

/** @param sensitivityOf @param identifiabilityOf of a category */
export function objections(sensitivityOf: (category: string) => string, identifiabilityOf: (category: string) => string): readonly Objection[] {
  const confidential = (category: string) => sensitivityOf(category) !== 'internal';
  const personal = (category: string) => category.startsWith('user.') && identifiabilityOf(category) !== 'none';
  const basis = { rego: 'vendor.claims.transfer_basis.covers_subprocessors == false', cel: 'R.attr.vendor.claims.transfer_basis.covers_subprocessors == false' };
  return [
    objection('tool-ids-stay-home', under('system.ai.tool_id', 'system.ai.knowledge_base_id'), third),
    objection('tenant-ids-stay-home', under('system.tenant.org_id', 'system.tenant.account_id', 'system.tenant.name'), third),
    objection('tenant-ids-reach-llm', under('system.tenant'), third, { rego: 'vendor.reachesLlm', cel: 'R.attr.vendor.reachesLlm' }),
    objection('free-text-not-to-analytics', under('user.content'), third, { rego: 'vendor.kind == "analytics"', cel: 'R.attr.vendor.kind == "analytics"' }),
    objection('restricted-first-party-only', (category) => sensitivityOf(category) === 'restricted', third),
    objection('dpa-missing', confidential, third, claim('dpa')),
    objection('breach-notice-insufficient', confidential, third, claim('breach_notice_hours', '<= 72')),
    objection('retention-insufficient', confidential, third, claim('retention_days', '<= 90')),
    objection('trains-on-data-insufficient', under('system.ai', 'user.content'), third, claim('trains_on_data', '== false')),
    objection('sub-processor-residency', personal, third, basis, { rego: 'not vendor.reachesInEu', cel: '!R.attr.vendor.reachesInEu' }),
  ];
}
