const object = (properties: Readonly<Record<string, object>>, optional: readonly string[] = []) => ({
  type: 'object', additionalProperties: false, required: Object.keys(properties).filter((name) => !optional.includes(name)), properties,
});
const list = (items: object) => ({ type: 'array', items });
// Every schema has a type, and null is one of its types: so programs that make types of it understand it.
const orNull = <T extends { readonly type: string }>({ type, ...schema }: T) => ({ ...schema, type: [type, 'null'] });
const named = (...values: readonly string[]) => ({ type: 'string', enum: values });
const only = (number: number) => ({ type: 'integer', enum: [number] });
const unknown = named('unknown');
const text = { type: 'string' };
const texts = list(text);
const count = { type: 'integer', format: 'int64', minimum: 0 };
const time = { type: 'string', format: 'date-time' };
const fillIn = { description: 'to be put in the place of this by a person', ...object({ fillIn: { type: 'boolean' } }) };
const recordAt = orNull(object({ index: count, time }));

/** The JSON form of an incident report (R82), by JSON Schema 2020-12. */
export const INCIDENT_SCHEMA = {
  description: 'The items of GDPR Art. 33(3) for one incident at one vendor, as far as the decision log has them. Counts are of what was permitted to leave, an upper bound of what was sent.',
  ...object({
    report: named('incident'),
    v: only(1),
    vendor: object({ id: text, name: text, role: named('processor', 'own system', 'third party without a DPA'), subProcessors: texts }),
    window: { description: 'from and before; null: the log\'s start, its end', ...object({ from: orNull(time), to: orNull(time) }) },
    nature: {
      description: 'Art. 33(3)(a): nature of the breach, categories and approximate numbers of data subjects and of records',
      ...object({
        description: text,
        dataSubjects: object({ categories: fillIn, approximateNumber: unknown }),
        records: object({
          categories: list(object({
            category: text, madeOf: { description: 'what it was before an obligation made it this; absent: it left as it was', ...text },
            form: named('raw', 'shortened', 'coarse', 'masked', 'hmac', 'tokenized', 'encrypted'), sensitivity: text,
          }, ['madeOf'])),
          permittedAtMost: object({ decisions: count, rows: count, decisionsWithoutRows: count, first: orNull(time), last: orNull(time) }),
          reportedAsSent: unknown,
        }),
      }),
    },
    contact: { description: 'Art. 33(3)(b)', ...object({ dataProtectionOfficer: fillIn }) },
    likelyConsequences: { description: 'Art. 33(3)(c)', ...texts },
    measures: { description: 'Art. 33(3)(d)', ...object({ taken: texts, proposed: texts }) },
    clock: {
      description: 'Art. 33(1) and the contract; absent while nobody has said when it was detected',
      ...object({
        report: named('notification-clock'), v: only(1), vendor: text, detectedAt: time, notifiedAt: orNull(time), asOf: time, lagHours: { type: 'number' }, lagDays: { type: 'number' },
        agreedHours: orNull({ type: 'number' }), breachOfContract: { title: 'BreachOfContract', anyOf: [{ type: 'boolean' }, unknown] }, awareAt: orNull(time),
        gdpr: object({ deadline: orNull(time), hoursLeft: orNull({ type: 'number' }), state: named('not started', 'running', 'over', 'told in time', 'told late') }),
      }),
    },
    evidence: {
      description: 'Art. 33(5)',
      ...object({
        log: object({ origin: orNull(text), first: recordAt, last: recordAt, pruned: count, earlier: texts, isCopy: { type: 'boolean' }, inPermit: texts }),
        revisions: texts,
        coverage: object({ declaredFlows: orNull(count), reportedFlows: only(0), share: unknown }),
        categoriesNeverPermitted: texts,
        isWhole: { type: 'boolean', description: 'whether the log holds the whole time: else nothing here is an upper bound' },
        notes: texts,
      }),
    },
    toBeStated: { description: 'members that only people can fill in', ...texts },
  }, ['clock']),
} as const;
