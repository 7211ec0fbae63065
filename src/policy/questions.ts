import { CHANNELS, type EventFact, type Facts } from '../core/facts.ts';

/** Every pair of an event and a vendor of a small world; of a larger one a sample. */
const PROBES = 256;
/** Of so many grants questions that they may cover. */
const GRANTS = 64;

/** Takes the places of a list one after the other, so many times that each comes together with each of another list. */
const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];

/** Questions of every kind: by fields, payload and categories, with and without what a question may state besides. */
export function questionsOf(facts: Facts): readonly object[] {
  const [vendors, identities, environments] = [
    [...facts.vendors.keys()],
    [...facts.identities.keys()],
    [...facts.environments.keys()],
  ];
  const events = [...new Set(facts.events.values())].filter(({ fields }) => fields.length > 0);
  const subjects: readonly (EventFact | undefined)[] = [...events, undefined];
  const objects = objectsOf(facts);
  const count = Math.min(
    PROBES,
    subjects.length * vendors.length * Math.max(identities.length, CHANNELS.length) * environments.length,
  );
  const turns = Array.from({ length: count }, (_, at) => {
    const round = Math.floor(at / subjects.length);
    const event = pick(subjects, at);
    return {
      identity: pick(identities, at) ?? '?',
      vendor: pick(vendors, at + round),
      environment: pick(environments, at),
      channel: pick(CHANNELS, at + round),
      ...(at % 5 === 3 && { onBehalfOf: pick(identities, at + round + 1) }),
      ...(at % 3 === 2 && { dataSubject: { region: pick(['US', 'DE', 'GB'], round) } }),
      ...(at % 4 === 1 && { context: contextOf(facts, round) }),
      ...(event === undefined ? withoutEvent(facts, at, round) : askedOf(event, round)),
      ...(event?.about !== undefined &&
        round % 2 === 0 && { about: pick(objects.get(event.about.type) ?? [], round) ?? `${event.about.type}:none` }),
    };
  });
  return [...turns, ...ofGrants(facts, events)].map((question) => JSON.parse(JSON.stringify(question)) as object);
}

/** To every grant, of some, a question that it may cover, and of which its conditions and its relation are judged. */
function ofGrants(facts: Facts, events: readonly EventFact[]): readonly object[] {
  return [...facts.grants.values()].slice(0, GRANTS).flatMap((grant) => {
    const holder = facts.identities.values().find(({ roles }) => roles.includes(grant.role));
    const vendor = facts.vendors
      .values()
      .find(({ id, party }) =>
        grant.vendors.some((named) => (named.vendor ?? id) === id && (named.party ?? party) === party),
      );
    const event = events.find(
      ({ name, about }) =>
        (grant.events?.includes(name) ?? true) && (grant.relation === undefined || about !== undefined),
    );
    if (holder === undefined || vendor === undefined || event === undefined) return [];
    const environment = grant.environments?.find((name) => name !== '*') ?? pick([...facts.environments.keys()], 0);
    return [
      {
        identity: holder.id,
        vendor: vendor.id,
        environment,
        event: event.name,
        fields: slice(
          event.fields.map(({ path }) => path),
          0,
        ),
        ...(event.about !== undefined && { about: `${event.about.type}:none` }),
      },
      {
        identity: holder.id,
        vendor: vendor.id,
        environment,
        purpose: pick([...facts.purposes], 0),
        categories: slice([...facts.categories.keys()], 0),
      },
    ];
  });
}

/** The event's fields as paths, or as a payload that holds them; an aggregate with its groups. */
function askedOf(event: EventFact, round: number): object {
  const paths = event.fields.map(({ path }) => path);
  const groups = event.fields
    .filter(({ role }) => role === 'dimension')
    .slice(0, 1 + (round % 3))
    .map(({ path }) => path);
  const stated = {
    event: event.name,
    ...(event.purposes.length > 0 && round % 2 === 1 && { purpose: pick(event.purposes, round) }),
  };
  const aggregate = event.kind === 'aggregate' && {
    aggregate: { groupBy: groups, ...(round % 3 !== 2 && { minCell: event.minCell + round }) },
  };
  if (round % 4 === 3) return { ...stated, ...aggregate, payload: payloadOf(paths) };
  return { ...stated, ...aggregate, fields: [...slice(paths, round), ...(round % 3 === 1 ? ['not.known'] : [])] };
}

/** Some twenty of a list, others each time: also what stands at its end. */
const slice = (paths: readonly string[], round: number) =>
  paths.length <= 20 ? paths : [...paths.slice((round * 20) % paths.length), ...paths].slice(0, 20);

function withoutEvent({ categories, fields, purposes }: Facts, at: number, round: number): object {
  const stated = { purpose: pick([...purposes], at) };
  if (round % 2 === 0 || fields.size === 0) return { ...stated, categories: slice([...categories.keys()], round) };
  return { ...stated, fields: slice([...fields.keys()], round) };
}

/** Members of plain names, one below the other; other paths, with `*` or `[]`, are left to the fields. */
function payloadOf(paths: readonly string[]): object {
  const payload: Record<string, unknown> = {};
  for (const path of paths.filter((one) => /^[\w$-]+(?:\.[\w-]+)*$/.test(one) && one !== '$event').slice(0, 20)) {
    const steps = path.split('.');
    let inside = payload;
    for (const step of steps.slice(0, -1))
      inside = (typeof inside[step] === 'object' ? inside[step] : (inside[step] = {})) as typeof inside;
    inside[steps.at(-1)!] ??= 'probe';
  }
  return Object.keys(payload).length === 0 ? { 'not-known': 'probe' } : payload;
}

function contextOf({ context }: Facts, round: number): object {
  return Object.fromEntries(
    [...context.values()].map(({ name, type, enum: values }) => [
      name,
      type === 'enum' ? pick(values ?? [], round) : type === 'number' ? round : round % 2 === 0,
    ]),
  );
}

/** Objects that somebody has a relation to, by their type; of many the first. */
function objectsOf({ tuples }: Facts): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy(new Set(tuples.slice(0, 10_000).map(({ object }) => object)), (object) =>
    object.slice(0, object.indexOf(':')),
  );
}
