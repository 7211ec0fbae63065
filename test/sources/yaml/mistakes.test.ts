import { problemsIn, problemsOf, removeFolders, unmark, WORLD, write } from './support.ts';

afterAll(removeFolders);

/** A file to add to the world, with § before the place of the one mistake. */
type Row = readonly [name: string, message: string, files: Readonly<Record<string, string>>];

const grant = (lines: string, base = 'role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [system.plan]') => ({ 'grants/x.yaml': `grants:\n  x: { ${base}, ${lines} }\n` });
const grants = (text: string) => ({ 'grants/x.yaml': `grants:\n  x: { ${text} }\n` });
const event = (lines: string) => ({ 'events/x.yaml': `event: x\nkind: raw_event\n${lines}\n` });
const vendor = (lines: string) => ({ 'vendors/x.yaml': `vendors:\n  x:\n    name: X\n    party: third\n    categories: [cdn]\n${lines}\n` });
const approval = (lines: string) => ({ 'approvals.yaml': `approvals:\n  A1: { vendor: mixpanel, environment: production, purpose: analytics, fields: [email], ${lines} }\n` });
const category = '{ sensitivity: internal, identifiability: none }';

const syntax: readonly Row[] = [
  ['a list that is not closed', 'Flow sequence in block collection must be sufficiently indented and end with a ]', { 'modes.yaml': 'modes: { vendors: {}, events: {} }\nx: [\n§y: 1\n' }],
  ['a tab', 'Tabs are not allowed as indentation', { 'modes.yaml': 'modes:\n§\tvendors: {}\n' }],
  ['a key that stands twice', 'the key roles stands here twice', { 'identities/x.yaml': 'identities:\n  user:x:\n    roles: []\n    §roles: [officer]\n' }],
  ['an id that stands twice', 'the key basic stands here twice', { 'grants.yaml': `${WORLD['grants.yaml']}  §basic: { role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [system.plan] }\n` }],
  ['a number and a string that are one key', 'the key 1 stands here twice', event('fields: { 1: system.plan, §"1": null }')],
  ['two documents', 'a file is one document: leave out the ---', { 'modes.yaml': 'modes: { vendors: {}, events: {} }\n§---\na: 1\n' }],
  ['a key that is a list', 'a key is a string: quote it, and leave out anchors and tags', { 'modes.yaml': 'modes:\n  ? §[a]\n  : 1\n' }],
  ['an anchor that nothing sets', 'no anchor &gone stands before this', event('fields: { plan: §*gone }')],
  ['an anchor in itself', 'no anchor &own stands before this', event('fields: { plan: &own { category: system.plan, enum: [§*own] } }')],
  ['a tag', 'Unresolved tag: !js', event('source: §!js x')],
  ['a tag of YAML that is none of JSON', 'Unresolved tag: tag:yaml.org,2002:binary', event('source: §!!binary aGk=')],
  ['a number over 2^53', 'this number cannot be kept exactly: quote it if it is a name', event('fields: { plan: { category: system.plan, enum: [§12345678901234567890] } }')],
  ['no number', 'this number cannot be kept exactly: quote it if it is a name', event('fields: { plan: { category: system.plan, enum: [§.nan] } }')],
  ['__proto__', '__proto__ is reserved', event('fields: { §__proto__: system.plan }')],
  ['__proto__ within', '__proto__ is reserved', { 'identities/x.yaml': 'identities:\n  user:x: { attributes: { a: [{ §__proto__: 1 }] } }\n' }],
];

const shape: readonly Row[] = [
  ['an unknown kind', 'no kind of file is called vendor (did you mean vendors?)', { 'vendor.yaml': '§vendors: {}\n' }],
  ['an empty file', 'must be a map, not nothing', { 'modes.yaml': '§# nothing\n' }],
  ['another kind’s key', 'grants is not known here', { 'modes.yaml': 'modes: { vendors: {}, events: {} }\n§grants: {}\n' }],
  ['a list of what is a map', 'must be a map, not a list', { 'grants/x.yaml': '§grants: [x]\n' }],
  ['an unknown key', 'effct is not known here (did you mean effect?)', grant('§effct: permit')],
  ['an unknown key deep inside', 'actsfor is not known here (did you mean actsFor?)', { 'identities/x.yaml': 'identities:\n  user:x:\n    manifest:\n      §actsfor: [user:sam]\n' }],
  ['an unknown claim', 'soc2 is not known here', vendor('    claims: { §soc2: { value: true } }')],
  ['an unknown claim that is near', 'retention_day is not known here (did you mean retention_days?)', vendor('    claims: { §retention_day: { value: 1 } }')],
  ['a parent, which the name tells', 'parent is not known here', { 'categories/x.yaml': 'categories:\n  system.x: { sensitivity: internal, identifiability: none, §parent: system }\n' }],
  ['a missing key', 'purposes is missing', { 'grants/x.yaml': 'grants:\n  §x: { role: telemetry, vendors: [mixpanel], categories: [system.plan] }\n' }],
  ['a missing event', 'event is missing', { 'events/x.yaml': '§kind: raw_event\n' }],
  ['a wrong type', 'must be a list, not a string', grants('role: telemetry, vendors: §mixpanel, purposes: [analytics], categories: [system.plan]')],
  ['a key without a value', 'must be a list, not nothing', { 'grants/x.yaml': 'grants:\n  x:\n    role: telemetry\n    vendors: [mixpanel]\n    §purposes:\n    categories: [system.plan]\n' }],
  ['none of a list', 'must be one of permit, transform, review (did you mean permit?)', grant('effect: §premit')],
  ['an empty list', 'must have at least 1 elements', grants('role: telemetry, §vendors: [], purposes: [analytics], categories: [system.plan]')],
  ['a category with a dash', 'user.e-mail: a category is lower-case words joined by dots, without dashes', { 'categories/x.yaml': `categories:\n  §user.e-mail: ${category}\n` }],
  ['a field of a category with a dash', 'a category is lower-case words joined by dots, without dashes', event('fields: { plan: §system-plan }')],
  ['a selector by substring', 'a category selector is a.b, a.b.* or *', grants('role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [§user.con*]')],
  ['an id that is reserved', 'constructor: this name is reserved', { 'vendors/x.yaml': 'vendors:\n  §constructor: { name: X, party: third, categories: [cdn] }\n' }],
  ['prototype', 'prototype: this name is reserved', { 'roles/x.yaml': 'roles:\n  §prototype: {}\n' }],
  ['a category that is reserved', 'constructor: this name is reserved', { 'categories/x.yaml': `categories:\n  §constructor: ${category}\n` }],
  ['an environment called all', '*: this name is reserved', { 'environments/x.yaml': 'environments:\n  §"*": { tier: x }\n' }],
  ['an identity without a type', 'sam: an identity is type:id without spaces, the type one of user, service, job, webhook, tag, agent, tool, connector', { 'identities/x.yaml': 'identities:\n  §sam: {}\n' }],
  ['a date that does not exist', 'a date is 2026-11-22, or RFC 3339 with a time zone', grant('expires: §2026-02-30')],
  ['a time without a zone', 'a date is 2026-11-22, or RFC 3339 with a time zone', grant('expires: §2026-02-03T10:00:00')],
  ['an age that is no duration', 'a duration is 30s, 15m, 12h or 7d', { 'environments/x.yaml': 'environments:\n  x: { tier: x, maxAge: §1w }\n' }],
  ['minCell under 10', 'minCell is at least 10', event('minCell: §9')],
  ['a version that is no name', 'a version is a string or a whole number: quote it', event('version: §1.1')],
  ['a field that is a list', 'must be a category, nothing, or { category: … }', event('fields:\n  §plan: [system.plan]')],
  ['an unknown key of a field', 'rol is not known here (did you mean role?)', event('fields: { plan: { category: system.plan, §rol: measure } }')],
  ['a field without category', 'category is missing', event('fields: { §plan: { role: measure } }')],
  ['a temporary grant without ticket', 'ticket is missing', grant('starts: 2026-11-01, expires: 2026-11-03, §temporary: {}')],
  ['an unknown reason code', 'there is no reason code no_permt (did you mean no_permit?)', grant('conditions: [{ code: §no_permt, if: { context.consent: { equals: true } } }]')],
  ['a condition that is two', 'a condition is { claim: …, test: … } or { code: …, if: … }', grant('conditions: [§{ claim: dpa, if: { context.consent: { equals: true } } }]')],
  ['a condition that is none', 'a condition is { claim: …, test: … } or { code: …, if: … }', grant('conditions: [§{ code: no_permit }]')],
  ['a test without claim', 'a condition is { claim: …, test: … } or { code: …, if: … }', grant('conditions: [§{ test: { equals: 1 }, if: { context.consent: { equals: true } } }]')],
  ['a token that is no SHA-256', 'tokenSha256 is 64 lower-case hex digits: sluice token new prints them', { 'callers/x.yaml': 'callers:\n  x: { tokenSha256: §abc, powers: [check] }\n' }],
  ['a caller for something else', 'must be type:id, or *', { 'callers/x.yaml': 'callers:\n  x: { demo: true, powers: [check], identities: [§sam] }\n' }],
  ['a tuple of two words', 'a tuple is: subject relation object, as in user:sam assigned account:A1', { 'relations/x.yaml': 'relations:\n  tuples: [§user:sam owner]\n' }],
];

const names: readonly Row[] = [
  ['category of a field', 'there is no category system.plans (did you mean system.plan?)', event('fields: { plan: §system.plans }')],
  ['category of a field, long form', 'there is no category nothing.like.it', event('fields: { plan: { category: §nothing.like.it } }')],
  ['category of the dictionary', 'there is no category user.contact.emial (did you mean user.contact.email?)', { 'fields/x.yaml': 'fields:\n  mail: §user.contact.emial\n' }],
  ['category of an envelope', 'there is no category system.plam (did you mean system.plan?)', { 'envelopes/x.yaml': 'envelopes:\n  x: { fields: { plan: §system.plam } }\n' }],
  ['category of an event name', 'there is no category system.plam (did you mean system.plan?)', { 'event_names.yaml': 'event_names:\n  use_*: §system.plam\n' }],
  ['category that is no leaf', "user.contact has categories below it; a field's category is a leaf", event('fields: { mail: §user.contact }')],
  ['category that became none', "system.plan has categories below it; a field's category is a leaf", { 'categories/x.yaml': `categories:\n  system.plan.tier: ${category}\n`, 'envelopes.yaml': 'envelopes:\n  common: { fields: { account: §system.plan } }\n', 'events/viewed.yaml': 'event: page.viewed\nkind: raw_event\n' }],
  ['category of a grant', 'there is no category user.contacts (did you mean user.contact?)', grants('role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [§user.contacts.*]')],
  ['category of a grant that is a parent', 'user.contact has categories below it, and no field is of user.contact itself: say user.contact.*', grants('role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [§user.contact]')],
  ['except of a grant', 'there is no category system.plam (did you mean system.plan?)', grant('except: [§system.plam]')],
  ['member of a combination', 'there is no category system.plam (did you mean system.plan?)', { 'combinations.yaml': 'combinations:\n  x: { members: [user.contact, §system.plam], message: m, fix: f }\n' }],
  ['member of a combination, in a list', 'there is no category system.plam (did you mean system.plan?)', { 'combinations.yaml': 'combinations:\n  x: { members: [user.contact, [system.usage, §system.plam]], message: m, fix: f }\n' }],
  ['category of a manifest', 'there is no category system.ai', { 'identities/x.yaml': 'identities:\n  agent:x: { manifest: { categories: [§system.ai.*] } }\n' }],
  ['category of a transform', 'there is no category system.plam (did you mean system.plan?)', { 'transforms.yaml': 'transforms:\n  - { category: §system.plam, op: mask, result: system.usage }\n' }],
  ['result of a transform', 'there is no category user.location.regions (did you mean user.location.region?)', { 'transforms.yaml': 'transforms:\n  - { category: user.location.city, op: coarsen_geo, result: §user.location.regions }\n' }],
  ['result of a transform that is a parent', "user.location has categories below it; a field's category is a leaf", { 'transforms.yaml': 'transforms:\n  - { category: user.location.city, op: coarsen_geo, result: §user.location }\n' }],
  ['purpose of an event', 'there is no purpose analytic (did you mean analytics?)', event('purposes: [§analytic]')],
  ['default purpose of an event', 'there is no purpose analytics.reportin (did you mean analytics.reporting?)', event('defaultPurpose: §analytics.reportin')],
  ['purpose of a grant', 'there is no purpose sales', grants('role: telemetry, vendors: [mixpanel], purposes: [analytics, §sales], categories: [system.plan]')],
  ['role of a grant', 'there is no role telemetri (did you mean telemetry?)', grants('role: §telemetri, vendors: [mixpanel], purposes: [analytics], categories: [system.plan]')],
  ['role of an identity', 'there is no role telemtry (did you mean telemetry?)', { 'identities/x.yaml': 'identities:\n  user:x: { roles: [officer, §telemtry] }\n' }],
  ['role that a role extends', 'there is no role oficer (did you mean officer?)', { 'roles/x.yaml': 'roles:\n  x: { extends: [§oficer] }\n' }],
  ['approver role of a grant', 'there is no role oficer (did you mean officer?)', grant('effect: review, approverRole: §oficer')],
  ['approver role of a combination', 'there is no role oficer (did you mean officer?)', { 'combinations.yaml': 'combinations:\n  x: { members: [user.contact, system.plan], effect: review, approverRole: §oficer, message: m, fix: f }\n' }],
  ['vendor of a grant', 'there is no vendor mixpanell (did you mean mixpanel?)', grants('role: telemetry, vendors: [§mixpanell], purposes: [analytics], categories: [system.plan]')],
  ['vendor of a grant, long form', 'there is no vendor Mixpanel (did you mean mixpanel?)', grants('role: telemetry, vendors: [{ vendor: §Mixpanel }], purposes: [analytics], categories: [system.plan]')],
  ['vendor of an edge', 'there is no vendor openia (did you mean openai?)', vendor('    edges: [{ to: §openia, type: sub_processor }]')],
  ['vendor of a manifest', 'there is no vendor all', { 'identities/x.yaml': 'identities:\n  agent:x: { manifest: { vendors: [§all] } }\n' }],
  ['vendor of a mode', 'there is no vendor mixpanl (did you mean mixpanel?)', { 'modes.yaml': 'modes:\n  vendors:\n    §mixpanl: { mode: shadow }\n  events: {}\n' }],
  ['event of a mode', 'there is no event page.view', { 'modes.yaml': 'modes:\n  vendors: {}\n  events: { §page.view: { mode: shadow } }\n' }],
  ['event of a grant', 'there is no event page.viewd (did you mean page.viewed?)', grant('events: [§page.viewd]')],
  ['one version of an event, where all count', 'there is no event usage.report@1-0-0', grant('events: [§usage.report@1-0-0]')],
  ['event of an approval', 'there is no event page.viewd (did you mean page.viewed?)', approval('identity: user:sam, approver: user:dana, event: §page.viewd, eventVersion: "1", expires: 2026-12-01')],
  ['environment of a grant', 'there is no environment prodution (did you mean production?)', grant('environments: [staging, §prodution]')],
  ['environment of a caller', 'there is no environment stagin (did you mean staging?)', { 'callers/x.yaml': 'callers:\n  x: { demo: true, powers: [check], environments: [§stagin] }\n' }],
  ['all environments, where only callers say so', 'this name is reserved', grant('environments: [§"*"]')],
  ['environment of a manifest', 'there is no environment dev', { 'identities/x.yaml': 'identities:\n  agent:x: { manifest: { environments: [§dev] } }\n' }],
  ['environment of an approval', 'there is no environment prod', { 'approvals.yaml': 'approvals:\n  A1: { identity: user:sam, vendor: mixpanel, environment: §prod, purpose: analytics, fields: [email], approver: user:dana, expires: 2026-12-01 }\n' }],
  ['identity of a caller', 'there is no identity user:sammy (did you mean user:sam?)', { 'callers/x.yaml': 'callers:\n  x: { demo: true, powers: [check], identities: [§user:sammy] }\n' }],
  ['identity of a manifest', 'there is no identity user:sm (did you mean user:sam?)', { 'identities/x.yaml': 'identities:\n  agent:x: { manifest: { actsFor: [§user:sm] } }\n' }],
  ['identity of an approval', 'there is no identity user:same (did you mean user:sam?)', approval('identity: §user:same, approver: user:dana, expires: 2026-12-01')],
  ['approver', 'there is no identity user:dan (did you mean user:dana?)', approval('identity: user:sam, approver: §user:dan, expires: 2026-12-01')],
  ['envelope of an event', 'there is no envelope comon (did you mean common?)', event('envelopes: [§comon]')],
  ['type of what an event is about', 'there is no relation type acount (did you mean account?)', event('about: { type: §acount, field: plan }\nfields: { plan: system.plan }')],
  ['relation of a grant that no type declares', 'there is no relation asigned (did you mean assigned?)', grant('relation: §asigned')],
  ['from that the type lacks', 'account has no relation owners (did you mean owner?)', { 'relations/x.yaml': 'relations:\n  types:\n    folder: { owner: {} }\n    account: { editor: { from: [§owners] } }\n' }],
  ['via that the type lacks', 'folder has no relation parnt (did you mean parent?)', { 'relations/x.yaml': 'relations:\n  types:\n    folder: { parent: {}, viewer: { via: [{ relation: §parnt, is: owner }] } }\n' }],
  ['via that leads to nothing', 'there is no relation ownr (did you mean owner?)', { 'relations/x.yaml': 'relations:\n  types:\n    folder: { parent: {}, viewer: { via: [{ relation: parent, is: §ownr }] } }\n' }],
  ['relation of a tuple', 'account has no relation asigned (did you mean assigned?)', { 'relations/x.yaml': 'relations:\n  tuples: [user:sam owner account:A2, §user:sam asigned account:A1]\n' }],
  ['type of a tuple', 'no relation type acount is declared (did you mean account?)', { 'relations/x.yaml': 'relations:\n  tuples: [§user:sam owner acount:A1]\n' }],
  ['relation of a set', 'account has no relation member', { 'relations/x.yaml': 'relations:\n  tuples: [§account:A1#member owner account:A2]\n' }],
  ['identity of a tuple', 'there is no identity user:sm (did you mean user:sam?)', { 'relations/x.yaml': 'relations:\n  tuples: [§user:sm owner account:A1]\n' }],
  ['identity to act for', 'there is no identity user:sm (did you mean user:sam?)', { 'relations/x.yaml': 'relations:\n  tuples: [§user:dana acts_for user:sm]\n' }],
  ['context name of a condition', 'there is no context name consnt (did you mean consent?)', grant('conditions: [{ if: { allOf: [{ context.consent: { equals: true } }, { §context.consnt: { equals: true } }] } }]')],
  ['claim of a condition', 'there is no claim dpaa (did you mean dpa?)', grant('conditions: [{ if: { §vendor.dpaa: { equals: true } } }]')],
];

const old = 'x was breached on 2026-06-01 and is active only with claims issued since';
const GRANT = 'role: telemetry, purposes: [analytics], categories: [system.plan]';

const sense: readonly Row[] = [
  ['an id in two files', 'basic stands in ', { 'grants/x.yaml': 'grants:\n  §basic: { role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [system.plan] }\n' }],
  ['a field of the dictionary in two files', 'email stands in ', { 'fields/x.yaml': 'fields:\n  §email: user.contact.email\n' }],
  ['a version of an event in two files', 'page.viewed version 1 stands in ', { 'events/x.yaml': '§event: page.viewed\nversion: 1\nkind: raw_event\n' }],
  ['a purpose in two files', 'the purpose analytics stands in ', { 'purposes/x.yaml': 'purposes: [sales, §analytics]\n' }],
  ['a purpose twice', 'the purpose sales stands here twice: ids are unique', { 'purposes/x.yaml': 'purposes: [sales, §sales]\n' }],
  ['a mode in two files', 'vendors mixpanel stands in ', { 'modes/a.yaml': 'modes: { vendors: { mixpanel: { mode: shadow } }, events: {} }\n', 'modes/b.yaml': 'modes: { vendors: { §mixpanel: { mode: enforce } }, events: {} }\n' }],
  ['a relation in two files', 'types account owner stands in ', { 'relations/x.yaml': 'relations:\n  types:\n    account:\n      §owner: {}\n' }],
  ['a transform twice', 'a line for this category, op and params stands here twice: ids are unique', { 'transforms.yaml': 'transforms:\n  - { category: system.plan, op: mask, params: { a: 1, b: 2 }, result: system.usage }\n  - §{ category: system.plan, op: mask, params: { b: 2, a: 1 }, result: system.plan }\n' }],
  ['an event called like a version of another', 'usage.report@1-0-0 also stands for a version of another event: call it something else', { 'events/x.yaml': 'event: §usage.report@1-0-0\nkind: raw_event\n' }],
  ['about that is no field', 'the event has no field plam (did you mean plan?)', event('about: { type: account, field: §plam }\nfields: { plan: system.plan }')],
  ['countField that is no field', 'the event has no field user (did you mean users?)', event('countField: §user\nenvelopes: [common]\nfields: { users: system.plan }')],
  ['a default purpose above those that are allowed', "analytics is none of the event's purposes, nor below one", event('purposes: [analytics.reporting]\ndefaultPurpose: §analytics')],
  ['a host of another vendor', "the host API.mixpanel.com. is mixpanel's already", vendor('    hosts: [x.com, §API.mixpanel.com.]')],
  ['an alias of another vendor', "the host api.mixpanel.com is mixpanel's already", vendor('    aliases: [§api.mixpanel.com]')],
  ['a host twice', 'the host X.com is listed twice', vendor('    hosts: [x.com]\n    aliases: [§X.com]')],
  ['a host that is an address', 'https://x.com is no host name: leave out scheme, port and path', vendor('    hosts: [§https://x.com]')],
  ['a host with a port', 'x.com:443 is no host name: leave out scheme, port and path', vendor('    hosts: ["x.com", §"x.com:443"]')],
  ['a claim that expires before it is issued', 'dpa expires before it was issued', vendor('    claims: { dpa: { value: true, issued: 2026-02-01, expires: §2026-01-31 } }')],
  ['a period of something else than SOC 2', 'only soc2_type2 has a period', vendor('    claims: { dpa: { value: true, §periodEnd: 2026-01-31 } }')],
  ['a claim from before the breach (R83)', `${old}: renew dpa, or set state: breached`, vendor('    breached: 2026-06-01\n    claims:\n      iso27001: { value: true, issued: 2026-06-02 }\n      dpa: { value: true, issued: §2026-01-01 }')],
  ['a claim from the day of the breach (R83)', `${old}: renew dpa, or set state: breached`, vendor('    breached: 2026-06-01\n    claims:\n      dpa: { value: true, issued: §2026-06-01T23:00:00Z }')],
  ['a claim of no date after a breach (R83)', `${old}: say when dpa was issued, or set state: breached`, vendor('    breached: 2026-06-01\n    claims:\n      §dpa: { value: true }')],
  ['no claim after a breach (R83)', `${old}: add its claims, or set state: breached`, vendor('    breached: §2026-06-01\n    state: active')],
  ['a role that extends itself', 'the role x extends itself: x extends x', { 'roles/x.yaml': 'roles:\n  x: { extends: [officer, §x] }\n' }],
  ['a relation from itself', 'account x comes from itself: x from x', { 'relations/x.yaml': 'relations:\n  types:\n    account: { x: { from: [owner, §x] } }\n' }],
  ['a grant that ends before it starts', 'the grant expires before it starts: it can never apply', grant('starts: 2026-11-03, expires: §2026-11-02')],
  ['a grant that ends as it starts', 'the grant expires before it starts: it can never apply', grant('starts: 2026-11-03T10:00:00Z, expires: §2026-11-03T11:00:00+01:00')],
  ['a temporary grant of 8 days', 'a temporary grant holds for at most 7 days', grant('starts: 2026-11-01, expires: §2026-11-08, temporary: { ticket: T-1 }')],
  ['a temporary grant without end', 'a temporary grant says when it starts and when it expires', grant('starts: 2026-11-01, §temporary: { ticket: T-1 }')],
  ['a transform without obligations', 'a transform needs obligations', grant('effect: §transform')],
  ['a transform that only scopes', 'a transform needs obligations', grant('effect: §transform, obligations: [{ op: scope_destinations }]')],
  ['obligations on a permit', 'mask needs effect: transform; this grant says permit', grant('obligations: [{ op: scope_destinations }, { op: §mask }]')],
  ['an approver role on a permit', 'approverRole needs effect: review; this grant says permit', grant('approverRole: §officer')],
  ['an approver role on a combination that denies', 'approverRole needs effect: review', { 'combinations.yaml': 'combinations:\n  x: { members: [user.contact, system.plan], approverRole: §officer, message: m, fix: f }\n' }],
  ['no vendor of that party', 'no vendor is like this: the grant can never apply to one', grants(`${GRANT}, vendors: [mixpanel, §{ party: first }]`)],
  ['no vendor of these categories', 'no vendor is like this: the grant can never apply to one', grants(`${GRANT}, vendors: [§{ categories: [analytics, llm] }]`)],
  ['a vendor that is not like that', 'no vendor is like this: the grant can never apply to one', grants(`${GRANT}, vendors: [§{ vendor: mixpanel, categories: [llm] }]`)],
  ['categories that are all excepted', 'no category is left: the grant can never apply', { 'grants/x.yaml': 'grants:\n  x:\n    role: telemetry\n    vendors: [mixpanel]\n    purposes: [analytics]\n    §categories: [user.contact.*]\n    except: [user.contact.email, user.contact.phone]\n' }],
  ['an event of a kind that is left out', 'usage.report is of kind aggregate, which the grant leaves out: it can never apply to it', grant('kinds: [raw_event], events: [page.viewed, §usage.report]')],
  ['an event for no purpose of the grant', 'page.viewed is for analytics, the grant for marketing: it can never apply to it', grants('role: telemetry, vendors: [mixpanel], purposes: [marketing], categories: [system.plan], events: [§page.viewed]')],
  ['a condition that cannot be compiled', 'eqals is no operator (did you mean equals?)', grant('conditions: [{ claim: dpa }, { if: { not: { user.team: { §eqals: 1 } } } }]')],
  ['an operand that cannot be', 'in takes a list', grant('conditions: [{ if: { user.team: { in: §abc } } }]')],
  ['a test that cannot be compiled', 'less-than takes a number or a string', grant('conditions: [{ claim: retention_days, test: { less-than: §true } }]')],
  ['an empty test', 'a condition is empty', grant('conditions: [{ claim: retention_days, §test: {} }]')],
  ['shadow for an exclusive vendor (J13)', 'mixpanel is closed by the exclusive grant x and cannot be in shadow', { ...grant('exclusive: true'), 'modes.yaml': 'modes: { vendors: { openai: { mode: shadow }, mixpanel: { mode: §shadow } }, events: {} }\n' }],
  ['shadow for a vendor of an exclusive kind (J13)', 'openai is closed by the exclusive grant x and cannot be in shadow', { ...grants(`${GRANT}, vendors: [{ categories: [llm] }], exclusive: true`), 'modes.yaml': 'modes: { vendors: { openai: { mode: §shadow } }, events: {} }\n' }],
  ['min over the number of members', 'min is 3, but there are 2 members: it can never be hit', { 'combinations.yaml': 'combinations:\n  x: { members: [user.contact, system.plan], min: §3, message: m, fix: f }\n' }],
  ['a caller without token', 'the caller x has no tokenSha256 (sluice token new makes one), nor demo: true', { 'callers/x.yaml': 'callers:\n  §x: { powers: [check] }\n' }],
  ['a demo caller with a token', 'the caller x has tokenSha256: it is not for the demo', { 'callers/x.yaml': `callers:\n  x: { demo: §true, powers: [check], tokenSha256: "${'0'.repeat(64)}" }\n` }],
  ['two callers with one token', 'this is the token of a: nobody could tell them apart', { 'callers/x.yaml': `callers:\n  a: { powers: [check], tokenSha256: "${'0'.repeat(64)}" }\n  b: { powers: [check], tokenSha256: §"${'0'.repeat(64)}" }\n` }],
  ['a token in a list that is no SHA-256', 'tokenSha256 is 64 lower-case hex digits', { 'callers/x.yaml': `callers:\n  x: { powers: [check], tokenSha256: ["${'0'.repeat(64)}", §abc] }\n` }],
  ['a token that ends on a day that is none', 'a date is 2026-11-22, or RFC 3339 with a time zone', { 'callers/x.yaml': `callers:\n  x: { powers: [check], tokenSha256: { sha256: "${'0'.repeat(64)}", expires: §2026-02-30 } }\n` }],
  ['a token that stands twice in a list', 'this token stands here already', { 'callers/x.yaml': `callers:\n  x: { powers: [check], tokenSha256: ["${'0'.repeat(64)}", §{ sha256: "${'0'.repeat(64)}" }] }\n` }],
  ['another one\'s token in a list', 'this is the token of a: nobody could tell them apart', { 'callers/x.yaml': `callers:\n  a: { powers: [check], tokenSha256: "${'0'.repeat(64)}" }\n  b: { powers: [check], tokenSha256: ["${'1'.repeat(64)}", §"${'0'.repeat(64)}"] }\n` }],
  ['an approver who is the identity', 'user:sam asks, and cannot approve', approval('identity: user:sam, approver: §user:sam, expires: 2026-12-01')],
  ['an approver for whom it is asked', 'user:sam asks, and cannot approve', approval('identity: user:dana, onBehalfOf: user:sam, approver: §user:sam, expires: 2026-12-01')],
  ['an approver who requests', 'user:dana asks, and cannot approve', approval('identity: user:sam, requester: user:dana, approver: §user:dana, expires: 2026-12-01')],
  ['an approval that ends before it starts', 'the approval expires before it starts: it can never apply', approval('identity: user:sam, approver: user:dana, starts: 2026-12-03, expires: §2026-12-01')],
  ['an approval of any version', 'eventVersion is missing: the approval is for one version of page.viewed', approval('identity: user:sam, approver: user:dana, event: §page.viewed, expires: 2026-12-01')],
  ['an approval of a version that there is not', 'there is no version 2 of page.viewed; there is 1', approval('identity: user:sam, approver: user:dana, event: page.viewed, eventVersion: §2, expires: 2026-12-01')],
  ['an approval of a version of nothing', 'eventVersion needs an event', approval('identity: user:sam, approver: user:dana, eventVersion: §2, expires: 2026-12-01')],
  ['an enum without values', 'x has no values: an enum lists them', { 'context/x.yaml': 'context:\n  x: { type: §enum }\n' }],
  ['values without enum', 'values need type: enum; x is of type number', { 'context/x.yaml': 'context:\n  x: { type: number, §values: [a] }\n' }],
];

describe.each<readonly [string, readonly Row[]]>([['syntax', syntax], ['shape', shape], ['names', names], ['sense', sense]])('%s', (_, rows) => {
  test.each(rows)('%s: %s', async (_name, message, marked) => {
    const { files, places } = unmark(marked);
    expect(places).toHaveLength(1);
    const found = await problemsOf(files);
    expect(found.map(({ file, line, column }) => ({ file, line, column }))).toEqual(places);
    expect(found[0]!.message).toEqual(expect.stringMatching(new RegExp(`^${RegExp.escape(message)}`)));
  });
});

test('the world that the mistakes are added to has none', async () => {
  expect(await problemsIn(await write(WORLD))).toEqual([]);
});

// Two places each: every role and relation of a cycle says so.
test.each([
  ['roles', 'roles/x.yaml', 'roles:\n  a: { extends: [§b] }\n  b: { extends: [officer, §a] }\n  c: { extends: [a] }\n', ['the role a extends itself: a extends b extends a', 'the role b extends itself: b extends a extends b']],
  ['relations', 'relations/x.yaml', 'relations:\n  types:\n    folder:\n      a: { from: [§b] }\n      b: { from: [c, §a] }\n      c: {}\n      d: { from: [a], via: [{ relation: d, is: d }] }\n', ['folder a comes from itself: a from b from a', 'folder b comes from itself: b from a from b']],
])('a longer cycle of %s', async (_, file, marked, messages) => {
  const { files, places } = unmark({ [file]: marked });
  expect(await problemsOf(files)).toEqual(places.map((place, index) => ({ ...place, message: messages[index] })));
});
