import { SluiceError } from '../core/errors.ts';
import { VENDOR_STATES, type Vendor, type VendorState } from '../core/facts.ts';

/**
 * A vendor that was breached returns only with claims issued since (R83). One that the switch terminated too: else a
 * breach could be forgotten by way of a termination.
 */
export function refuseEarlyReturn(vendor: Vendor, wanted: VendorState, set: { readonly state: VendorState | undefined; readonly atMs: number | undefined }): void {
  const sinceMs = set.state === 'breached' || set.state === 'terminated' ? set.atMs : vendor.breachedMs;
  if (wanted === 'breached' || wanted === 'terminated' || sinceMs === undefined) return;
  const old = vendor.claims.filter(({ issuedMs }) => issuedMs === undefined || issuedMs <= sinceMs).map(({ name }) => name);
  if (old.length > 0 || vendor.claims.length === 0) {
    throw new SluiceError('request_invalid', `the vendor was stopped on ${new Date(sinceMs).toISOString()}: it returns only with claims issued since; renew ${old.join(', ') || 'its claims'} in the catalogue first`);
  }
}

/** What counts of the state in the facts and the one that the switch has set (J17). */
export const worseOf = ({ state }: Vendor, set: VendorState = 'active'): VendorState => VENDOR_STATES.findLast((one) => one === state || one === set) ?? state;
