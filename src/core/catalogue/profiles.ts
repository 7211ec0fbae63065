import type { Category, FieldFact, Identifiability, Scalar, Sensitivity } from '../facts.ts';
import { ancestorsOf } from './selectors.ts';

/** What policy reads of a field, as it stands in the Rego input. */
export interface ProfileInput {
  readonly category: string;
  readonly ancestors: Readonly<Record<string, true>>;
  readonly sensitivity: Sensitivity;
  readonly identifiability: Identifiability;
  /** Under `user.` and not anonymous (J14). */
  readonly personal: boolean;
  readonly known: boolean;
  readonly measure: boolean;
  readonly labels: Readonly<Record<string, Scalar>>;
}

/** The tuple of all that policy may read of a field; one object per distinct tuple and catalogue. */
export interface Profile {
  readonly input: ProfileInput;
  readonly ancestors: ReadonlySet<string>;
}

export interface Profiles {
  /** The profile of a declared field; of an unclassified one, `unknown`. */
  of(field: Pick<FieldFact, 'category' | 'role' | 'labels'>): Profile;
  /** The profile after transforms: another category, the rest as it was. */
  withCategory(profile: Profile, category: string): Profile;
  /** Of whatever nobody has classified: it counts as the worst. */
  readonly unknown: Profile;
}

const UNKNOWN: ProfileInput = {
  category: 'unknown', ancestors: {}, sensitivity: 'restricted', identifiability: 'direct', personal: true,
  known: false, measure: false, labels: {},
};

export function createProfiles(categories: ReadonlyMap<string, Category>): Profiles {
  const unknown: Profile = { input: UNKNOWN, ancestors: new Set() };
  const interned = new Map<string, Profile>();

  const intern = (category: string, measure: boolean, labels: ProfileInput['labels']): Profile => {
    const known = categories.get(category);
    if (known === undefined) return unknown;
    const key = JSON.stringify([category, measure, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
    const present = interned.get(key);
    if (present !== undefined) return present;
    const profile = create(known, measure, labels);
    interned.set(key, profile);
    return profile;
  };

  return {
    unknown,
    of: (field) => (field.category === undefined ? unknown : intern(field.category, field.role === 'measure', field.labels)),
    withCategory: (profile, category) => intern(category, profile.input.measure, profile.input.labels),
  };
}

function create(category: Category, measure: boolean, labels: ProfileInput['labels']): Profile {
  const ancestors = ancestorsOf(category.id);
  return {
    ancestors: new Set(ancestors),
    input: {
      category: category.id,
      ancestors: Object.fromEntries(ancestors.map((name) => [name, true])),
      sensitivity: category.sensitivity,
      identifiability: category.identifiability,
      personal: category.id.startsWith('user.') && category.identifiability !== 'none',
      known: true,
      measure,
      labels,
    },
  };
}
