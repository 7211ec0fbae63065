import { readFile } from 'node:fs/promises';
import { EFFECTS, type Answer, type Effect, type FieldVerdict } from '../core/answer.ts';
import type { Channel, Json, ObligationOp, Scalar } from '../core/facts.ts';
import { toPlain, type Plain } from '../core/parse/plain.ts';
import { askedPaths, denied } from './denied.ts';

export { applyFix } from './apply-fix.ts';

/** What may stand in a question (`QUESTION_SCHEMA`). Exactly one of `fields`, `payload` and `categories`. */
export interface QuestionInput {
  readonly identity: string;
  readonly onBehalfOf?: string;
  /** Or `destination`: the address that is sent to. */
  readonly vendor?: string;
  readonly destination?: string;
  readonly environment: string;
  readonly purpose?: string;
  readonly channel?: Channel;
  readonly event?: string;
  readonly fields?: readonly string[];
  readonly payload?: Readonly<Record<string, Json>>;
  readonly categories?: readonly string[];
  readonly aggregate?: { readonly groupBy?: readonly string[]; readonly minCell?: number };
  readonly rows?: number;
  readonly about?: string;
  readonly dataSubject?: { readonly region?: string };
  readonly context?: Readonly<Record<string, Scalar>>;
  readonly supports?: readonly ObligationOp[];
  readonly minRevision?: number;
}

export type PermittedInput = Omit<QuestionInput, 'fields' | 'payload' | 'categories'>;

/** Why there is no decision: an error code of the server, or `unreachable`, `timeout`, `answer_invalid`, `token_unreadable`, `question_invalid`. */
export interface Unavailable {
  readonly code: string;
  readonly message: string;
}

/** No decision, as the denial that it has to be. */
export interface Denied extends Pick<Answer, 'fields' | 'obligations' | 'reasons'> {
  readonly decision: 'deny';
  readonly fix: null;
  readonly unavailable: Unavailable;
}

export type ClientAnswer = (Answer & { readonly unavailable?: never }) | Denied;
/** Of `permitted`; without a decision its `fields` are empty: nothing is permitted. */
export type ClientPermitted = (Omit<Answer, 'decision' | 'fix' | 'wouldBe'> & { readonly unavailable?: never }) | Omit<Denied, 'decision' | 'fix'>;

/**
 * What asks. A question must be what JSON makes of it: what JSON would change or leave out without a word (a Map, a Date,
 * NaN, undefined in a payload, …) is a denial with the code `question_invalid`, which says where it stands and what to write.
 */
export interface Client {
  check(question: QuestionInput): Promise<ClientAnswer>;
  /** One answer an item, in order; `defaults` are overlaid by each item. */
  checkBatch(items: readonly Partial<QuestionInput>[], defaults?: Partial<QuestionInput>): Promise<readonly ClientAnswer[]>;
  permitted(question: PermittedInput): Promise<ClientPermitted>;
}

export interface ClientOptions {
  /** `https:`, or `http:` on loopback. */
  readonly url: string;
  readonly token?: string;
  /** Read at first use, and again when the server refuses what it held. */
  readonly tokenFile?: string;
  /** For one call in all, connection and body included. */
  readonly timeoutMs?: number;
  /** Allows `http:` to another machine, where anyone on the way can read the token and forge a permission. */
  readonly insecure?: boolean;
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * A client that fails closed: whatever is not a 200 in time with a well-formed answer comes back as a denial that says
 * why in `unavailable`, never as a throw. Connections are kept alive by Node's own fetch; nothing needs to be closed.
 *
 * @throws {TypeError} for options that can't work; only here.
 */
export function createClient(options: ClientOptions): Client {
  const post = createPost(options);
  return {
    async check(question) {
      const plain = toPlain(question);
      return toAnswer('problem' in plain ? notPlain(plain) : await post('/check', plain.value), question);
    },
    async checkBatch(items, defaults = {}) {
      const shared = toPlain(defaults);
      const plain = Array.from(items, (item) => ('problem' in shared ? shared : toPlain(item)));
      const fit = plain.flatMap((one) => ('problem' in one ? [] : [one.value]));
      const outcomes = 'problem' in shared || fit.length === 0
        ? []
        : itemsOf(await post('/check/batch', { defaults: shared.value, items: fit }), fit.length);
      // The items that can't be asked keep none of the others from it.
      const left = outcomes.values();
      return plain.map((one, at) => (
        'problem' in one
          ? denied(notPlain(one).unavailable, { ...defaults, ...items[at] })
          : toAnswer(left.next().value!, overlay(shared, one))
      ));
    },
    async permitted(question) {
      const plain = toPlain(question);
      const outcome = 'problem' in plain ? notPlain(plain) : await post('/permitted', plain.value);
      if ('body' in outcome && isObject(outcome.body) && areVerdicts(outcome.body['fields']) && Array.isArray(outcome.body['obligations'])) return outcome.body as unknown as ClientPermitted;
      const { decision: _, fix: __, ...nothing } = denied('body' in outcome ? invalid('verdicts are missing').unavailable : outcome.unavailable, {});
      return nothing;
    },
  };
}

/**
 * Whether the field at `path` may be sent: allowed, in a set that may leave, after everything that it has to undergo.
 *
 * @param applied the obligations that have been carried out on this field. A field that is to be transformed may not
 * leave without them, and one with a `drop` not at all.
 */
export function mayLeave(answer: ClientAnswer, path: string, applied: readonly ObligationOp[] = []): boolean {
  if (!isFree(answer.decision) || !Object.hasOwn(answer.fields, path) || !isFree(answer.fields[path]!.effect)) return false;
  if (answer.fields[path]!.effect === 'transform' && !answer.obligations.some(({ field }) => field === path)) return false;
  return answer.obligations
    .filter(({ field }) => field === path || field === '*')
    .every(({ op }) => op !== 'drop' && applied.includes(op));
}

type Outcome = { readonly body: unknown } | { readonly unavailable: Unavailable };

const isFree = (effect: Effect) => effect === 'allow' || effect === 'transform';
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const unavailable = (code: string, message: string) => ({ unavailable: { code, message } });
const notPlain = ({ problem }: { readonly problem: string }) => unavailable('question_invalid', problem);
const invalid = (what: string) => unavailable('answer_invalid', `the answer is not one of v1: ${what}`);

/** The server's address without a slash at its end. @throws {TypeError} */
function rootOf({ url, token, tokenFile, timeoutMs = 1000, insecure = false }: ClientOptions): string {
  const base = URL.parse(url);
  if (base === null || (base.protocol !== 'https:' && base.protocol !== 'http:')) throw new TypeError('url must be an http or https address');
  if (base.protocol === 'http:' && !insecure && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(base.hostname)) throw new TypeError('url must be https: off loopback, or set insecure');
  if ((token === undefined) === (tokenFile === undefined)) throw new TypeError('exactly one of token and tokenFile is required');
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) throw new TypeError('timeoutMs must be a positive number of milliseconds');
  return base.href.replace(/\/+$/, '');
}

function createPost(options: ClientOptions) {
  const { token, tokenFile, timeoutMs = 1000, fetch = globalThis.fetch } = options;
  const root = rootOf(options);
  let read: Promise<string> | undefined;
  const bearer = async () => token ?? (await (read ??= readFile(tokenFile!, 'utf8'))).trim();

  // A redirect would carry the question elsewhere, and an answer from elsewhere is none.
  const send = (path: string, body: string, by: string, signal: AbortSignal) => fetch(`${root}${path}`, {
    method: 'POST', headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' }, body, signal, redirect: 'error',
  });

  /** The file may hold a newer token by now. A 401 leaves no record, so asking again is safe. */
  async function ask(path: string, body: string, signal: AbortSignal): Promise<Response> {
    const by = await bearer();
    const response = await send(path, body, by, signal);
    if (response.status !== 401 || tokenFile === undefined) return response;
    read = undefined;
    const newer = await bearer();
    if (newer === by) return response;
    await response.body?.cancel();
    return send(path, body, newer, signal);
  }

  return async (path: string, question: unknown): Promise<Outcome> => {
    const body = JSON.stringify(question);
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      return await toOutcome(await ask(path, body, signal));
    } catch (error) {
      if (signal.aborted) return unavailable('timeout', `no answer within ${timeoutMs} ms`);
      if (tokenFile !== undefined && (error as NodeJS.ErrnoException).path === tokenFile) {
        read = undefined;
        return unavailable('token_unreadable', 'the token file can not be read');
      }
      return unavailable('unreachable', 'no answer from the server');
    }
  };
}

async function toOutcome(response: Response): Promise<Outcome> {
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return response.status === 200 ? invalid('no JSON') : unavailable(`http_${response.status}`, `the server answered ${response.status}`);
  }
  return response.status === 200 ? { body } : errorOutcome(body, `http_${response.status}`);
}

function errorOutcome(error: unknown, otherwise: string): Outcome {
  if (isObject(error) && typeof error['code'] === 'string' && typeof error['message'] === 'string') return unavailable(error['code'], error['message']);
  return unavailable(otherwise, 'the server gave no decision');
}

const itemOutcome = (item: unknown): Outcome => (isObject(item) && item['error'] !== undefined ? errorOutcome(item['error'], 'answer_invalid') : { body: item });

const overlay = (...parts: readonly Plain[]): Partial<QuestionInput> => (
  Object.assign({}, ...parts.map((part) => ('value' in part ? part.value : {})))
);

/** One an item that was asked. */
function itemsOf(whole: Outcome, length: number): readonly Outcome[] {
  const answers = 'body' in whole && isObject(whole.body) && Array.isArray(whole.body['items']) ? whole.body['items'] as unknown[] : [];
  if (answers.length === length) return answers.map(itemOutcome);
  const failed: Outcome = 'body' in whole ? invalid('one answer an item was expected') : whole;
  return new Array<Outcome>(length).fill(failed);
}

function toAnswer(outcome: Outcome, question: Partial<QuestionInput>): ClientAnswer {
  if ('unavailable' in outcome) return denied(outcome.unavailable, question);
  const problem = problemOf(outcome.body, question);
  return problem === undefined ? outcome.body as Answer : denied(invalid(problem).unavailable, question);
}

/** What keeps `answer` from being one of v1 to this question. Keys that a newer server adds are none of it. */
function problemOf(answer: unknown, question: Partial<QuestionInput>): string | undefined {
  if (!isObject(answer) || !isEffect(answer['decision'])) return 'no decision';
  const { decision, fields, obligations } = answer;
  if (!areVerdicts(fields) || Object.keys(fields).length === 0) return 'no verdicts';
  if (askedPaths(question).some((path) => !Object.hasOwn(fields, path))) return 'a verdict is missing';
  // An obligation that can't be read would be one that isn't done.
  if (!Array.isArray(obligations) || !obligations.every((duty) => isObject(duty) && typeof duty['field'] === 'string' && typeof duty['op'] === 'string')) return 'obligations that can not be read';
  if (isFree(decision) && Object.values(fields).some(({ effect }) => !isFree(effect))) return 'a decision freer than its fields';
  if (decision === 'allow' && (obligations.length > 0 || Object.values(fields).some(({ effect }) => effect !== 'allow'))) return 'an allow with something to do';
  const owed = new Set((obligations as readonly { readonly field: string }[]).map(({ field }) => field));
  if (decision === 'transform' && Object.entries(fields).some(([path, { effect }]) => effect === 'transform' && !owed.has(path))) return 'a transform that does not say how';
  return undefined;
}

const isEffect = (value: unknown): value is Effect => EFFECTS.some((effect) => effect === value);

function areVerdicts(fields: unknown): fields is Readonly<Record<string, FieldVerdict>> {
  return isObject(fields) && Object.values(fields).every((verdict) => isObject(verdict) && isEffect(verdict['effect']));
}
