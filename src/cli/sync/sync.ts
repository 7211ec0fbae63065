import { readFile, stat } from 'node:fs/promises';
import { isLoopback } from '../../config.ts';
import { refuseStrangers } from '../../files/access.ts';
import type { SyncControl } from '../../service/sync-control.ts';
import { count, FOLDER_HELP, FOLDER_OPTIONS, UsageError, type Command, type Context, type Invocation } from '../command.ts';
import { createPaint, printable, type Paint } from '../paint.ts';
import { checkPermit } from './check.ts';

type Status = ReturnType<SyncControl['status']>[number];

export const sync: Command = {
  summary: 'what Permit administers: state, check, going back',
  usage: `sluice sync --status                 what the running server knows of each environment
sluice sync --check                  read Permit now, without a server, and list what can't be mapped
sluice sync --poll [ENVIRONMENT]     have Permit asked now
sluice sync --rollback ENVIRONMENT   go back to the generation before, and stay there until --resume
sluice sync --resume ENVIRONMENT     let the newest verified generation decide again

  --generation N     with --rollback: to this one
  --url URL          the server (default: http://127.0.0.1:8181, or PORT)
  --token-file FILE  the token of a caller with the power sync, mode 0600 (default on loopback: the demo's)
  --json             as JSON
${FOLDER_HELP}
--check reads the keys in SLUICE_PERMIT_KEYS_FILE; exit code 1 when something can't be mapped or read`,
  options: {
    status: { type: 'boolean' }, check: { type: 'boolean' }, poll: { type: 'boolean' }, rollback: { type: 'boolean' }, resume: { type: 'boolean' },
    generation: { type: 'string' }, url: { type: 'string' }, 'token-file': { type: 'string' }, json: { type: 'boolean' }, ...FOLDER_OPTIONS,
  },
  async run(invocation, context) {
    const { values, positionals } = invocation;
    const actions = (['status', 'check', 'poll', 'rollback', 'resume'] as const).filter((name) => values[name] === true);
    const [action] = actions;
    if (action === undefined || actions.length > 1) throw new UsageError('say one of --status, --check, --poll, --rollback, --resume');
    if (action === 'check') return checkPermit(invocation, context);
    const environments = action === 'status' ? [] : positionals;
    if ((action === 'rollback' || action === 'resume') && environments.length !== 1) throw new UsageError(`say of which environment: sluice sync --${action} production`);
    const ask = await openClient(invocation, context);
    const all = (await ask('GET', '/admin/sync')).environments;
    const named = environments.length > 0 ? environments : all.map(({ environment }) => environment);
    const generation = values['generation'] === undefined ? {} : { generation: Number(values['generation']) };
    const statuses = action === 'status' ? all : (await Promise.all(named.map((environment) => (
      ask('POST', `/admin/sync/${encodeURIComponent(environment)}`, { action, ...(action === 'rollback' && generation) })
    )))).flatMap((answer) => answer.environments);
    const paint = createPaint(context.colour);
    if (values['json'] === true) context.out(JSON.stringify({ environments: statuses }));
    else for (const status of statuses) context.out(describe(status, paint));
    return 0;
  },
};

const DEMO_TOKEN = 'demo-admin';

/** Asks the running server. @throws {UsageError} for what it refuses, with its own words. */
async function openClient({ values }: Invocation, { env }: Context) {
  const url = new URL(String(values['url'] ?? `http://127.0.0.1:${env['PORT'] ?? 8181}`));
  const token = await readToken(values['token-file'] as string | undefined, url);
  return async (method: 'GET' | 'POST', path: string, body?: object): Promise<{ readonly environments: readonly Status[] }> => {
    let response: Response;
    try {
      response = await fetch(new URL(path, url), { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }), signal: AbortSignal.timeout(30_000) });
    } catch {
      throw new UsageError(`${url.origin}: no Sluice answers there; name it with --url`);
    }
    const answer = await response.json() as { readonly message?: string; readonly environments: readonly Status[] };
    if (!response.ok) throw new UsageError(`${url.origin} says: ${printable(answer.message ?? String(response.status))}`);
    return answer;
  };
}

async function readToken(file: string | undefined, { hostname }: URL): Promise<string> {
  if (file === undefined) {
    if (isLoopback(hostname.replace(/^\[|\]$/g, ''))) return DEMO_TOKEN;
    throw new UsageError('say with --token-file where the token is');
  }
  try {
    refuseStrangers(file, await stat(file));
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
  return (await readFile(file, 'utf8')).trim();
}

function describe(status: Status, paint: Paint): string {
  const { environment, active, lastAttempt, pinned, alarm, refused, kept, failures, nextPollInMs, revocationBoundMs, unmappedObjects, setAside } = status;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['decides by', active === undefined ? paint('red', `nothing yet${refused === undefined ? '' : `: ${refused}`}`) : `generation ${active.number}, verified ${seconds(active.ageMs)} ago${pinned === undefined ? '' : paint('yellow', ', pinned: sluice sync --resume lets the newest decide again')}`],
    ['holds', active && Object.entries(active.counts).filter(([, n]) => n > 0).map(([list, n]) => `${n} ${list}`).join(', ')],
    ['digest', active?.digest],
    ['kept', kept.join(', ') || undefined],
    ['last read', lastAttempt && `${lastAttempt.message === undefined ? lastAttempt.outcome : paint('red', `${lastAttempt.outcome}: ${lastAttempt.message}`)} (${count(lastAttempt.requests, 'request')}, ${seconds(lastAttempt.workedMs)})`],
    ['failures', failures > 0 ? paint('red', `${failures} in a row`) : undefined],
    ['alarm', alarm && paint('red', alarm)],
    ['next read', nextPollInMs === undefined ? 'now' : `in ${seconds(nextPollInMs)}`],
    ['revocation', pinned !== undefined ? 'is not followed while pinned' : revocationBoundMs === undefined ? undefined : `denies here after at most ${seconds(revocationBoundMs)}`],
    ['set aside', setAside.join(', ') || undefined],
    ['not mapped', unmappedObjects.length === 0 ? undefined : `${unmappedObjects.length}\n${unmappedObjects.slice(0, 20).map(({ object, reason }) => `    ${printable(object)}: ${printable(reason)}`).join('\n')}`],
  ];
  return [paint('bold', environment), ...lines.flatMap(([name, text]) => (text === undefined ? [] : [`  ${name.padEnd(11)}${text}`]))].join('\n');
}

const seconds = (ms: number) => (ms < 1000 ? `${Math.round(ms)} ms` : ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`);
