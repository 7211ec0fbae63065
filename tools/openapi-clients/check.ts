// Asks by the types that openapi-typescript makes; what must not compile is marked.
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

type Question = components['schemas']['Question'];
const [url, token] = process.argv.slice(2) as [string, string];
const clientOf = (bearer: string) =>
  createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${bearer}` } });
const client = clientOf(token);

const who = {
  identity: 'service:telemetry',
  vendor: 'mixpanel',
  environment: 'production',
  event: 'genai_dashboard.viewed',
};
const asked: Question = { ...who, fields: ['anon_user_id'] };
// @ts-expect-error who sends is required
const nobody: Question = { vendor: 'mixpanel', environment: 'production', fields: ['city'] };
// @ts-expect-error a member is misspelt
const misspelt: Question = { ...who, feilds: ['city'] };

async function check(body: Question): Promise<components['schemas']['Answer']> {
  const { data, error } = await client.POST('/check', { body });
  if (data === undefined) throw new Error(error.code);
  return data;
}

const [allowed, denied, payload] = [
  await check(asked),
  await check({ ...asked, fields: ['anon_user_id', 'org_id'] }),
  await check({ ...who, payload: { anon_user_id: 'a1' } }),
];
const batch = await client.POST('/check/batch', { body: { defaults: asked, items: [{}, { categories: ['user'] }] } });
const items = batch.data!.items.map((item) =>
  'error' in item
    ? (item as components['schemas']['ItemError']).error.code
    : (item as components['schemas']['Answer']).decision,
);
const refused = await clientOf('nobody').POST('/check', { body: asked });
console.log(
  JSON.stringify({
    allowed: allowed.decision,
    denied: denied.decision,
    drop: denied.fix?.drop,
    payload: payload.decision,
    items,
    refused: refused.error?.code,
  }),
);
