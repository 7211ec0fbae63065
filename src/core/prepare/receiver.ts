import type { ReasonCode } from '../answer.ts';
import type { NamedVendor } from '../catalogue/grant-index.ts';
import type { Thresholds } from '../clock.ts';
import { CLAIM_NAMES, VENDOR_STATES, type Claim, type Vendor, type VendorState } from '../facts.ts';
import type { RegoInput } from './prepared.ts';
import type { World } from './prepare.ts';
import { inEu } from '../catalogue/regions.ts';

type VendorInput = RegoInput['vendor'];

/** Who receives, in one view: the vendor asked about, or a destination that it forwards to. */
export interface Receiver {
  readonly input: VendorInput;
  /** As selectors look at it. */
  readonly named: NamedVendor;
  readonly path: readonly string[];
  /** Of a destination: who hands on to it. */
  readonly from?: readonly string[];
  readonly chains: Readonly<Partial<Record<ReasonCode, readonly string[]>>>;
}

export function prepareVendor(id: string, path: readonly string[], world: World, thresholds: Thresholds): Receiver {
  const vendor = world.catalogue.facts.vendors.get(id);
  if (vendor === undefined) return { input: UNKNOWN, named: UNKNOWN, path: path.length > 1 ? path : ['?'], chains: {} };
  const { vendorGraph } = world.catalogue;
  const reached = vendorGraph.reached(id);
  const llm = vendorGraph.reachesLlm(id);
  const outside = reached.find(({ subProcessor, inEu: inside }) => subProcessor && !inside);
  const input: VendorInput = {
    id,
    known: true,
    party: vendor.party,
    categories: vendor.categories,
    ...(vendor.confirmed !== undefined && { confirmed: vendor.confirmed }),
    ...(vendor.tenant !== undefined && { tenant: vendor.tenant }),
    ...attributesOf(vendor, world),
    claims:
      vendor.party === 'first'
        ? {}
        : {
            ...MISSING,
            ...Object.fromEntries(vendor.claims.map((claim) => [claim.name, claimInput(claim, thresholds)])),
          },
    state: worseState(vendor.state, world.vendorStates.get(id)),
    regions: vendor.regions,
    inEu: vendor.regions.length > 0 && vendor.regions.every(inEu),
    reaches: { llm: llm !== undefined, inEu: outside === undefined, vendors: reached.map((r) => r.vendor).sort() },
  };
  return {
    input,
    named: vendor,
    path,
    chains: {
      ...(llm !== undefined && { reaches_llm: [...path.slice(0, -1), ...llm.path] }),
      ...(outside !== undefined && { residency: [...path.slice(0, -1), ...outside.path] }),
    },
  };
}

// A third party has a state for every claim there is, so that no ruling depends on what else is asked (J14).
const MISSING: VendorInput['claims'] = Object.fromEntries(CLAIM_NAMES.map((name) => [name, { state: 'missing' }]));

// A vendor that nobody knows counts as a third party with every claim missing (J33).
const UNKNOWN: VendorInput = {
  id: '?', known: false, party: 'third', categories: [], claims: MISSING, state: 'active', regions: [], inEu: false,
  reaches: { llm: true, inEu: false, vendors: [] },
};

/** Those that some condition reads. */
function attributesOf({ attributes }: Vendor, { catalogue }: World): Pick<VendorInput, 'attributes'> {
  const read = Object.entries(attributes ?? {}).filter(([name]) => catalogue.reads.vendorAttributes.has(name));
  return read.length === 0 ? {} : { attributes: Object.fromEntries(read) };
}

function claimInput(claim: Claim, thresholds: Thresholds): VendorInput['claims'][string] {
  if (claim.value === null) return { state: 'missing' };
  const holds = thresholds.holds(claim.untilMs === undefined ? {} : { untilMs: claim.untilMs });
  return holds ? { state: 'valid', value: claim.value } : { state: 'expired' };
}

export const worseState = (a: VendorState, b: VendorState | undefined): VendorState => (
  b !== undefined && VENDOR_STATES.indexOf(b) > VENDOR_STATES.indexOf(a) ? b : a
);
