import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Completed } from './complete.ts';
import type { Identity } from '../facts.ts';
import type { World } from './prepare.ts';
import type { RegoInput } from './prepared.ts';
import { inEu } from '../catalogue/regions.ts';
import { toSelectors } from '../catalogue/selectors.ts';

/** Who sends, in one view: the identity itself, or the one it acts for. */
export interface Subject {
  /** Without roles: they depend on the vendor. */
  readonly input: RegoInput['identity'];
  /** As approvals name them. */
  readonly identity: string;
  readonly onBehalfOf?: string;
  readonly relations: Pick<RegoInput, 'about' | 'aggregate' | 'delegation' | 'dataSubject' | 'context'>;
}

/** One subject, or two with `onBehalfOf`: each alone with its own roles, relations and approvals (J20). */
export function prepareSubject(asked: Completed, world: World): readonly Subject[] {
  const own = subjectOf(asked.identity, asked, world);
  if (asked.onBehalfOf === undefined) return [own];
  const { graph, facts } = world.catalogue;
  const listed = facts.identities.get(asked.identity)?.manifest?.actsFor?.includes(asked.onBehalfOf) !== false;
  const actsFor = listed && graph.holds(asked.identity, 'acts_for', asked.onBehalfOf) === 'yes';
  return [
    { ...own, onBehalfOf: asked.onBehalfOf, relations: { ...own.relations, delegation: { actsFor } } },
    subjectOf(asked.onBehalfOf, asked, world),
  ];
}

function subjectOf(id: string, asked: Completed, { catalogue, reads }: World): Subject {
  const identity = catalogue.facts.identities.get(id);
  return {
    identity: id,
    input: identity === undefined ? { id: '?', type: '?', known: false, roles: [], attributes: {} } : identityInput(identity, reads.attributes),
    relations: {
      ...aboutOf(id, asked, catalogue),
      ...aggregateOf(asked, catalogue),
      dataSubject: dataSubjectOf(asked.region),
      context: Object.fromEntries(Object.entries(asked.context).filter(([name]) => reads.context(name))),
    },
  };
}

function identityInput({ id, type, attributes, manifest }: Identity, reads: (name: string) => boolean): RegoInput['identity'] {
  const read = Object.entries(attributes).filter(([name]) => reads(name));
  return {
    id,
    type,
    known: true,
    roles: [],
    attributes: Object.fromEntries(read),
    ...(manifest !== undefined && {
      manifest: {
        ...(manifest.onBehalfOf !== undefined && { onBehalfOf: manifest.onBehalfOf }),
        ...(manifest.vendors !== undefined && { vendors: manifest.vendors }),
        ...(manifest.environments !== undefined && { environments: manifest.environments }),
        ...(manifest.categories !== undefined && { categories: toSelectors(manifest.categories) }),
      },
    }),
  };
}

/** The relations that the subject holds to what the data is about; none to an object of another type (J19). */
function aboutOf(id: string, { about, event }: Completed, { graph }: Catalogue): Pick<RegoInput, 'about'> {
  if (about === undefined) return {};
  const fits = about.startsWith(`${event?.fact.about?.type}:`) && graph.has(about);
  const held = fits ? graph.relations(id, about) : { relations: [], overrun: false };
  return { about: { id: fits ? about : '?', relations: held.overrun ? [] : held.relations } };
}

function aggregateOf({ kind, aggregate, event }: Completed, { profiles }: Catalogue): Pick<RegoInput, 'aggregate'> {
  if (kind !== 'aggregate') return {};
  const groupBy = (aggregate?.groupBy ?? []).map((path) => {
    const { category, known, identifiability } = (event?.field(path)?.profile ?? profiles.unknown).input;
    return { category, known, identifiability };
  });
  return { aggregate: { groupBy, ...(aggregate?.minCell !== undefined && { minCell: aggregate.minCell }) } };
}

/** No region stated counts as the EU; a string that is no region code is outside, and is not passed on. */
function dataSubjectOf(region: string | undefined): RegoInput['dataSubject'] {
  const stated = region ?? 'EU';
  return { region: /^[A-Z]{2}$/.test(stated) ? stated : '?', elsewhere: !inEu(stated) };
}
