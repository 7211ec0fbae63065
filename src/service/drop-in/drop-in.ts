import type { Answer, Reason } from '../../core/answer.ts';
import type { Facts } from '../../core/facts.ts';
import type { Asked, Pdp, PdpDeps } from '../../pdp.ts';
import type { Question } from '../../core/question.ts';
import {
  tenantOf, toQuestion, toUrlQuestion, VENDOR,
  type Mismatch, type PermitCode, type PermitQuestion, type PermitResource, type PermitUrlQuestion,
} from './question.ts';
import { createPermitLists, type PermitLists } from './lists.ts';
import { readySnapshot } from '../ready.ts';
import type { Snapshot } from '../../snapshot.ts';

/** Who asks, and with the key of which of Permit's environments. */
export interface PermitAsking extends Asked {
  readonly environment: string;
}

/** `allow` only for the decision `allow`: Permit's SDKs know no obligations and no approvals. */
export interface PermitAnswer {
  readonly allow: boolean;
  readonly debug: PermitDebug;
}

/** `resource` names the vendor that has the address, if there is one. */
export interface PermitUrlAnswer extends PermitAnswer {
  readonly resource: PermitResource;
}

export interface PermitDebug {
  /** Why not, in a word of Permit's and in a sentence; absent with `allow`. */
  readonly code?: PermitCode;
  readonly reason?: string;
  readonly decision: Answer['decision'];
  readonly decisionId: string;
  readonly reasons: readonly Pick<Reason, 'code' | 'rule' | 'message' | 'fix'>[];
}

/** What Permit's SDKs ask of a PDP, answered by `Pdp.check` and, for lists, as `Pdp.permitted` judges. */
export interface DropIn extends PermitLists {
  /** One question, one record. @throws {SluiceError} as `Pdp.check`. */
  allowed(asked: PermitQuestion, asking: PermitAsking): Promise<PermitAnswer>;
  /** One question about whoever has the address. @throws as `allowed`. */
  allowedUrl(asked: PermitUrlQuestion, asking: PermitAsking): Promise<PermitUrlAnswer>;
  /** The tenants in which it would be allowed, whatever tenant is named: a vendor is of one, so it is one question. @throws as `allowed`. */
  tenants(asked: PermitQuestion, asking: PermitAsking): Promise<readonly string[]>;
}

interface Translated {
  readonly mismatches: readonly Mismatch[];
  readonly world: Snapshot['world'];
  readonly asking: PermitAsking;
}

export function createDropIn(deps: PdpDeps, check: Pdp['check']): DropIn {
  async function allowed(asked: PermitQuestion, asking: PermitAsking): Promise<PermitAnswer> {
    const { world } = readySnapshot((asking.together ?? deps).snapshots(), asking.environment);
    const { question, mismatches } = toQuestion(asked, asking.environment, world);
    return answerTo(question, { mismatches, world, asking });
  }

  /** In one turn with the translation: it is judged by the same snapshot. */
  async function answerTo(question: Question, { mismatches, world, asking }: Translated): Promise<PermitAnswer> {
    const { answer } = await check(question, asking);
    const { decision, decisionId } = answer;
    const allow = decision === 'allow' && mismatches.length === 0;
    const reasons = answer.reasons.map(({ code, rule, message, fix }) => ({ code, rule, message, fix }));
    return { allow, debug: { ...(!allow && why(mismatches, answer, world.catalogue.facts.identities.get(question.identity))), decision, decisionId, reasons } };
  }

  return {
    allowed,
    async allowedUrl(asked, asking) {
      const { world } = readySnapshot(deps.snapshots(), asking.environment);
      const { question, resource, mismatches } = toUrlQuestion(asked, asking.environment, world);
      return { ...await answerTo(question, { mismatches, world, asking }), resource };
    },
    async tenants(asked, asking) {
      const { type, key } = asked.resource;
      const vendor = key === undefined ? undefined : readySnapshot(deps.snapshots(), asking.environment).world.catalogue.facts.vendors.get(key);
      const tenant = vendor && tenantOf(vendor);
      const { allow } = await allowed({ ...asked, resource: { type, ...(key !== undefined && { key }), ...(tenant !== undefined && { tenant }) } }, asking);
      return allow && type === VENDOR && tenant !== undefined ? [tenant] : [];
    },
    ...createPermitLists(deps),
  };
}

const CODES: Readonly<Partial<Record<Reason['code'], PermitCode>>> = { unknown_identity: 'user_not_synced', unknown_vendor: 'no_such_resource', unknown_field: 'no_such_action' };

function why(mismatches: readonly Mismatch[], { decision, reasons }: Pick<Answer, 'decision' | 'reasons'>, identity: ReturnType<Facts['identities']['get']>): Mismatch {
  const [first] = reasons;
  if (mismatches[0] !== undefined) return mismatches[0];
  const reason = first?.message ?? (decision === 'transform' ? 'It may leave only after obligations, which this way of asking knows none of.' : 'Nothing permits it.');
  if (first?.rule === 'no-role') return { code: (identity?.assigned?.size ?? 0) > 0 ? 'no_role_in_tenant' : 'no_user_roles', reason };
  return { code: (first && CODES[first.code]) ?? 'no_permission', reason };
}
