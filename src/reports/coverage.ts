import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { countDeclared, type FlowFilter } from './map/declared.ts';

/**
 * How much of what is declared passed an enforcement point that reported (R65). What is sent without asking is in no log,
 * so that a nought without its coverage proves nothing.
 */
export interface Coverage {
  /** Event, vendor and environment, as the grants speak of them; null where the catalogue was not at hand. */
  readonly declaredFlows: number | null;
  /** Enforcement points do not report yet. */
  readonly reportedFlows: 0;
  readonly share: 'unknown';
}

export const coverageOf = (catalogue: Catalogue | undefined, filter: FlowFilter = {}): Coverage => (
  { declaredFlows: catalogue === undefined ? null : countDeclared(catalogue, filter), reportedFlows: 0, share: 'unknown' }
);

export const coverageText = ({ declaredFlows }: Coverage): string => (
  `Coverage: unknown${declaredFlows === null ? '' : `, of ${declaredFlows} declared flow${declaredFlows === 1 ? '' : 's'}`}. No enforcement point has reported; what was sent without asking Sluice is not in its log.`
);
