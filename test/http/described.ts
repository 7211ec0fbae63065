import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { createOpenApi } from '../../src/http/openapi.ts';

type Document = ReturnType<typeof createOpenApi>;
interface Response {
  readonly content: Readonly<Record<string, { readonly schema: object }>>;
}
interface Operation {
  readonly responses: Readonly<Record<string, Response>>;
}
export type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;
export const pathsOf = (document: Document) => document.paths as unknown as Paths;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const compilers = new WeakMap<Document, Ajv2020>();

const escaped = (part: string | number) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'));

/** The validator of one place in the document. */
export function validatorOf(document: Document, ...place: readonly (string | number)[]): ValidateFunction {
  const ajv =
    compilers.get(document) ??
    new Ajv2020({ strict: false, formats: { int64: true, binary: true, 'date-time': TIME } }).addSchema({
      $id: 'sluice',
      ...document,
    });
  compilers.set(document, ajv);
  return ajv.compile({
    $ref: `sluice#/${place.map(escaped).join('/')}`,
  });
}

export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

const whole = createOpenApi({ permit: true, reports: true, logAdmin: true, reading: true, proofs: true });
const templates = Object.keys(whole.paths).map((template) => ({
  template,
  pattern: new RegExp(`^${template.replace(/\{path\}$/, '.+').replace(/\{\w+\}/g, '[^/]+')}$`),
}));
const validators = new Map<string, ValidateFunction>();

/** The place of the answer's description; undefined where the answer is none of the path's own. */
function placeOf(path: string, method: string, status: number): readonly (string | number)[] | undefined {
  const template = (
    templates.find((one) => one.template === path) ?? templates.find(({ pattern }) => pattern.test(path))
  )?.template;
  if (template === undefined) return undefined;
  const operations = pathsOf(whole)[template]!;
  const name = method === 'HEAD' ? 'get' : method.toLowerCase();
  // Methods that are not described have the description of the one that is.
  const known = operations[name] === undefined ? Object.keys(operations)[0]! : name;
  return operations[known]!.responses[status] === undefined
    ? undefined
    : ['paths', template, known, 'responses', status];
}

const at = (place: readonly (string | number)[]) =>
  place.reduce<unknown>((value, part) => (value as Record<string | number, unknown>)[part], whole);
/** What a server doesn't serve it says in its own words, and what Permit's PDP has besides, in Permit's. */
const ELSEWHERE: Readonly<Record<number, string>> = {
  400: 'Error',
  401: 'Error',
  404: 'Error',
  405: 'Error',
  501: 'PermitError',
};

/** Every answer that a test gets passes here. @throws {Error} for one that is not as the document says. */
export function checkDescribed({ method, url, status, type, text }: Seen): void {
  const path = url.split('?')[0]!;
  const essence = String(type?.split(';')[0]);
  const place = placeOf(path, method, status);
  if (place === undefined ? ELSEWHERE[status] === undefined : !Object.hasOwn((at(place) as Response).content, essence))
    throw new Error(`${method} ${path} → ${status} as ${type} is not described`);
  if (method !== 'HEAD' && essence === 'application/json')
    compare(
      place === undefined
        ? ['components', 'schemas', ELSEWHERE[status]!]
        : [...place, 'content', 'application/json', 'schema'],
      text,
    );
}

function compare(place: readonly (string | number)[], text: string): void {
  const key = place.join(' ');
  const validate = validators.get(key) ?? validatorOf(whole, ...place);
  validators.set(key, validate);
  if (!validate(JSON.parse(text)))
    throw new Error(`the answer is not as described at ${key}: ${JSON.stringify(validate.errors)}`);
}
