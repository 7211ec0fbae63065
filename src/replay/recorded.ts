import type { Effect, FieldObligation, ReasonCode } from '../core/answer.ts';
import type { Told } from '../core/decide/why-not.ts';
import type { Shape } from '../core/prepare/prepared.ts';
import type { FieldsRecord } from '../core/record.ts';

export type LogLine = Readonly<Record<string, unknown>>;

/** The member `shape` of an input record: what `prepare` gave to Rego and to `decide`. */
export type RecordedShape = Shape & { readonly whyNot?: Told };

export interface RecordedReason {
  readonly code: ReasonCode;
  readonly rule: string;
  readonly fields: readonly string[];
  readonly detector?: string;
}

/**
 * A record of kind `decision` or `permitted`, as far as replay and reports read it. Names that nobody knew are hashed (J30).
 * A list is of kind `permitted`, and has neither fields nor input; it may be over all vendors.
 */
export interface AskedRecord {
  readonly kind: 'decision' | 'permitted';
  /** What Permit's SDKs asked to be listed. */
  readonly list?: string;
  readonly caller: string;
  readonly identity: string;
  readonly onBehalfOf?: string;
  readonly vendor: string;
  readonly environment: string;
  readonly purpose?: string;
  readonly channel: string;
  readonly event?: string;
  readonly eventVersion?: string;
  readonly eventKind?: string;
  readonly about?: string;
  readonly region?: string;
  readonly secure?: boolean;
  readonly aggregate?: { readonly groupBy: readonly string[]; readonly minCell?: number };
  readonly byCategory?: boolean;
  readonly decision: Effect;
  readonly mode: 'enforce' | 'shadow';
  readonly wouldBe?: { readonly decision: Effect; readonly reasons: readonly RecordedReason[] };
  readonly fields: readonly FieldsRecord[];
  readonly findings?: FieldsRecord['findings'];
  readonly obligations: readonly FieldObligation[];
  readonly reasons: readonly RecordedReason[];
  readonly fix: { readonly drop: readonly string[]; readonly exact: boolean } | null;
  readonly approvals: readonly string[];
  readonly approvalAsked?: string;
  readonly input?: string;
  readonly bundle?: string;
  readonly revision?: { readonly number: number; readonly digest: string };
  readonly program?: string;
}

const NOTHING = { fields: [], obligations: [], reasons: [], approvals: [], fix: null };

/** An older program may have left lists out that are empty. */
export const toAsked = (record: LogLine): AskedRecord => ({ ...NOTHING, ...record }) as unknown as AskedRecord;

export const isHashed = (name: string | undefined): boolean => name !== undefined && /(^|\.)\?[0-9a-f]{16}/.test(name);
