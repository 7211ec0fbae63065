import { access, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError, type Command } from './command.ts';

/** A minimal world: one identity, one vendor, one event, one grant, one case. */
const FILES: Readonly<Record<string, string>> = {
  'categories.yaml': `categories:
  system.operations.event_name: { sensitivity: internal, identifiability: none }
  system.operations.plan: { sensitivity: internal, identifiability: none }
  user.contact.email: { sensitivity: confidential, identifiability: direct }
`,
  'purposes.yaml': 'purposes: [analytics, analytics.reporting]\n',
  'environments.yaml': `environments:
  production: { tier: production }
  development: { tier: development }
`,
  'fields.yaml': `# The dictionary: fields for questions that name no event.
fields:
  plan: system.operations.plan
  email: user.contact.email
`,
  'events/signup.completed.yaml': `event: signup.completed
kind: raw_event
owner: growth
defaultPurpose: analytics.reporting
fields:
  plan: { category: system.operations.plan, enum: [free, pro] }
  email: user.contact.email
`,
  'vendors.yaml': `vendors:
  example-analytics:
    name: Example Analytics
    party: third
    categories: [analytics]
    hosts: [api.analytics.example]
`,
  'roles.yaml': 'roles:\n  product_events: { title: Sends product events }\n',
  'identities.yaml': 'identities:\n  service:web: { roles: [product_events] }\n',
  'grants.yaml': `grants:
  plans-to-analytics:
    title: Product events say which plan was chosen
    role: product_events
    vendors: [example-analytics]
    environments: [production]
    purposes: [analytics]
    categories: [system.operations.plan]
`,
  'callers.yaml': `# Make a real one with: sluice token new
callers:
  demo:
    demo: true
    identities: ["*"]
    environments: ["*"]
    powers: [check, reload]
    supports: [drop]
`,
  'rules/example.rego': `# Rules of one's own: what must never happen, or always. A file dropped in here is taken in by \`sluice build\` and by the
# next reload; nothing is registered. Its package is named like the file. To begin, take the # away from the rule below.
package egress.rules.own.example

import rego.v2

# # METADATA
# # title: E-mail addresses leave for first parties only
# # custom:
# #   code: forbidden_category
# #   message: "{fields} may not leave for any third party."
# #   fix: "Drop {fields}."
# rulings["no-email-to-third-parties"] contains index if {
# 	not input.vendor.party == "first"
# 	some index, profile in input.profiles
# 	profile.ancestors["user.contact.email"]
# }
`,
  'cases/signup.yaml': `cases:
  - name: a plan may go to analytics
    caller: demo
    question: { identity: "service:web", vendor: example-analytics, environment: production, event: signup.completed, fields: [plan] }
    want: { decision: allow, reasons: [] }
  - name: an e-mail address may not
    caller: demo
    question: { identity: "service:web", vendor: example-analytics, environment: production, event: signup.completed, fields: [plan, email] }
    want: { decision: deny, fields: { plan: allow, email: deny }, fix: [email] }
`,
};

export const init: Command = {
  summary: 'write a minimal world of one\'s own',
  usage: `sluice init [FOLDER]

Writes policies/ with one identity, vendor, event, grant and case and a place for rules of
one's own, and a copy of the shipped rules as rego/, into FOLDER (default: here). Then, in
that folder:

  sluice build && sluice test && sluice serve`,
  options: {},
  async run({ positionals }, context) {
    const [folder = '.', extra] = positionals;
    if (extra !== undefined) throw new UsageError('name one folder');
    for (const name of ['policies', 'rego']) {
      const present = await access(path.join(folder, name)).then(() => true, () => false);
      if (present) throw new UsageError(`${path.join(folder, name)} is there already; nothing was written`);
    }
    for (const [name, text] of Object.entries(FILES)) {
      const file = path.join(folder, 'policies', name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    await cp(path.join(context.root, 'rego'), path.join(folder, 'rego'), { recursive: true });
    const rules = (await readdir(path.join(folder, 'rego', 'egress', 'rules'))).filter((file) => !file.endsWith('_test.rego'));
    context.out(`written: ${path.join(folder, 'policies')} (${Object.keys(FILES).length} files) and ${path.join(folder, 'rego')} (${rules.length} rule files)\nnext: sluice build && sluice test && sluice serve`);
    return 0;
  },
};
