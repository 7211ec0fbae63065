import { createHash } from 'node:crypto';
import { loadPolicy, type LoadedPolicy } from '@open-policy-agent/opa-wasm';
import type { RegoInput } from '../core/prepare/prepared.ts';
import { EvaluationFailed, parseRulings, type Rule, type Rulings } from '../core/decide/rulings.ts';

// In pages of 64 KiB. Growing costs a full collection and is never undone: 4 MiB hold 64 profiles with room to spare,
// and no question needs more than 256 MiB.
const MEMORY = { initial: 64, maximum: 4096 };
const SLICE = 64;
const encoder = new TextEncoder();
const ENTRYPOINT = 'egress/decision';

/** The policy, compiled and in this thread. Never re-entered; usable again after a failure. */
export interface Engine {
  /** `sha256:` and hex of the WASM and the rules' METADATA. */
  readonly digest: string;
  readonly rules: ReadonlyMap<string, Rule>;
  /**
   * Evaluates one view; over 64 profiles in slices, which J21 allows: a ruling depends on its own profile alone.
   * @param text the input as JSON, where it has been written already.
   * @throws {EvaluationFailed} whatever went wrong: undefined, a conflict, an unknown name, a trap.
   */
  evaluate(input: RegoInput, text?: string): Rulings;
}

/** What records call the bundle. */
export const digestOfPolicy = ({ wasm, rules }: { readonly wasm: Uint8Array; readonly rules: ReadonlyMap<string, Rule> }): string => (
  `sha256:${createHash('sha256').update(wasm).update(JSON.stringify([...rules])).digest('hex')}`
);

/**
 * @param wasm the module that `opa build -t wasm` made.
 * @throws {Error} when the module needs a built-in that nobody supplies, or lacks the entrypoint.
 */
export async function createEngine(wasm: Uint8Array<ArrayBuffer>, rules: ReadonlyMap<string, Rule>): Promise<Engine> {
  const policy = await loadPolicy(wasm, MEMORY);
  refuseUnknownBuiltins(policy);
  if (!(ENTRYPOINT in policy.entrypoints)) throw new Error(`the policy bundle has no entrypoint ${ENTRYPOINT}`);
  policy.setData({});
  let running = false;

  function run(text: string): unknown {
    if (running) throw new EvaluationFailed('the engine was entered while it was evaluating');
    running = true;
    try {
      return evaluateOnce(policy, text);
    } finally {
      running = false;
    }
  }

  return {
    digest: digestOfPolicy({ wasm, rules }),
    rules,
    evaluate: (input, text) => merge(slices(input).map(({ input: slice, from }) => {
      const bounds = { profiles: slice.profiles.length, grants: new Set(slice.grants.map(({ id }) => id)) };
      const written = slice === input && text !== undefined ? text : JSON.stringify(slice);
      return { from, rulings: parseRulings(run(written), rules, bounds) };
    })),
  };
}

// Strings, plain objects and Errors are thrown alike; whatever it is, it may quote the input, so only its kind goes on.
function evaluateOnce(policy: LoadedPolicy, text: string): unknown {
  let results: unknown;
  try {
    // Of all types of bytes the SDK takes an ArrayBuffer alone for JSON.
    results = policy.evaluate(encoder.encode(text).buffer, ENTRYPOINT);
  } catch (error) {
    throw new EvaluationFailed(describe(error));
  }
  if (!Array.isArray(results) || results.length !== 1) throw new EvaluationFailed('the decision is undefined');
  return (results[0] as { readonly result?: unknown }).result;
}

/** OPA's own texts name a rule's place (`x.rego:10:1: …`) and nothing of the input; anything else is named by its kind. */
function describe(error: unknown): string {
  const text = typeof error === 'string' ? error : (error as { message?: unknown } | null)?.message;
  if (typeof text !== 'string') return 'the evaluation threw';
  const [known] = /^(?:\S+\.rego:\d+:\d+: [\w -]+|not implemented: built-in function \d+: [\w.]+)/.exec(text) ?? [];
  return known ?? `the evaluation threw ${error instanceof Error ? error.name : typeof error}`;
}

function refuseUnknownBuiltins(policy: LoadedPolicy): void {
  // The SDK finds a missing built-in only when a rule reaches it, maybe in production.
  const { wasmInstance, mem } = policy as unknown as { wasmInstance: { exports: { builtins(): number; opa_json_dump(address: number): number } }; mem: { readonly buffer: ArrayBuffer } };
  const address = wasmInstance.exports.opa_json_dump(wasmInstance.exports.builtins());
  const bytes = new Uint8Array(mem.buffer, address);
  const names = Object.keys(JSON.parse(new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)))) as object);
  if (names.length > 0) throw new Error(`the policy uses built-ins that WASM has not: ${names.sort().join(', ')}; see rego/capabilities.json for those it may use`);
}

function slices(input: RegoInput): readonly { readonly input: RegoInput; readonly from: number }[] {
  const { profiles, matches } = input;
  if (profiles.length <= SLICE) return [{ input, from: 0 }];
  return Array.from({ length: Math.ceil(profiles.length / SLICE) }, (_, index) => {
    const from = index * SLICE;
    return { from, input: { ...input, profiles: profiles.slice(from, from + SLICE), matches: matches.slice(from, from + SLICE) } };
  });
}

function merge(parts: readonly { readonly from: number; readonly rulings: Rulings }[]): Rulings {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first.rulings;
  const rules = new Map<string, { rule: Rule; profiles: readonly number[] | '*' }>();
  const permits = new Map<string, number[]>();
  const failed = new Map<string, Rulings['failed'][number]>();
  for (const { from, rulings } of parts) {
    for (const { rule, profiles } of rulings.rules) {
      const before = rules.get(rule.id)?.profiles ?? [];
      rules.set(rule.id, { rule, profiles: profiles === '*' || before === '*' ? '*' : [...before, ...profiles.map((index) => index + from)] });
    }
    for (const [grant, indexes] of rulings.permits) permits.set(grant, [...permits.get(grant) ?? [], ...indexes.map((index) => index + from)]);
    for (const failure of rulings.failed) failed.set(`${failure.grant} ${failure.code}`, failure);
  }
  const byId = <T>([a]: readonly [string, T], [b]: readonly [string, T]) => (a < b ? -1 : 1);
  return { rules: [...rules].sort(byId).map(([, hit]) => hit), permits: new Map([...permits].sort(byId)), failed: [...failed.values()] };
}
