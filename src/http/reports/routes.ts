import type { Request, RequestHandler } from 'express';
import { SluiceError } from '../../core/errors.ts';
import { checkParameters, describeReport, kindOf, type ReportFormat } from '../../reports/run.ts';
import { requireReader, type ReadingDeps } from '../decisions/routes.ts';
import { stateOf } from '../reply.ts';
import type { Reports } from './reports.ts';

const TYPES: Readonly<Record<ReportFormat, string>> = {
  json: 'application/json; charset=utf-8', markdown: 'text/markdown; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present', mermaid: 'text/vnd.mermaid; charset=utf-8',
};

/** A report, once its reading is on record. */
export function getReport({ reading, reports, authenticate, rate, reply }: ReadingDeps & { readonly reports: Reports }): RequestHandler {
  return async function report(req, res) {
    const by = { caller: authenticate(req), requestId: stateOf(res).requestId };
    rate.take(by.caller, 1);
    requireReader(reading, by);
    const kind = req.params['kind'] as string;
    const { formats } = kindOf(kind);
    const parameters = parametersOf(req);
    const format = formatOf(parameters.get('format') ?? acceptedBy(req), formats);
    parameters.delete('format');
    checkParameters(kind, parameters);
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const text = await reports.make({ kind, parameters, format }, gone.signal);
    if (text === undefined) return;
    await reading.noted('report', describeReport(kind, parameters), by);
    reply(res, 200, text, { type: TYPES[format] });
  };
}

/** What it prefers: a client that takes all of them names JSON first. */
const acceptedBy = (req: Request) => (req.accepts(['application/json', 'text/markdown']) === 'text/markdown' ? 'markdown' : 'json');

function formatOf(name: string, formats: readonly ReportFormat[]): ReportFormat {
  const format = formats.find((one) => one === name);
  if (format === undefined) throw new SluiceError('request_invalid', `format: this report comes as ${formats.join(', ')}`);
  return format;
}

function parametersOf({ url }: Request): Map<string, string> {
  const at = url.indexOf('?');
  const pairs = at === -1 ? [] : [...new URLSearchParams(url.slice(at + 1))];
  const parameters = new Map(pairs);
  if (parameters.size < pairs.length) throw new SluiceError('request_invalid', 'a parameter is given twice');
  return parameters;
}
