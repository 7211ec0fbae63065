// A thread that makes one report and ends: it reads the whole log, and meanwhile questions are answered elsewhere.
import { parentPort, workerData } from 'node:worker_threads';
import { createCatalogue } from '../../core/catalogue/catalogue.ts';
import { SluiceError, type ErrorCode } from '../../core/errors.ts';
import type { Facts } from '../../core/facts.ts';
import { runReport, type Parameters, type ReportFormat } from '../../reports/run.ts';
import { giveWay } from '../../threads/thread.ts';

export interface Order {
  readonly kind: string;
  readonly parameters: Parameters;
  readonly format: ReportFormat;
  /** Of the log. */
  readonly dir: string;
  readonly facts: Facts;
  readonly nowMs: number;
}

export type Made = { readonly text: string } | { readonly failed: string; readonly code?: ErrorCode };

async function make({ kind, parameters, format, dir, facts, nowMs }: Order): Promise<Made> {
  try {
    const report = await runReport(kind, parameters, { dir, catalogue: createCatalogue(facts), nowMs });
    return { text: format === 'json' ? JSON.stringify(report.value) : report[format]!() };
  } catch (error) {
    return { failed: (error as Error).message, ...(error instanceof SluiceError && { code: error.code }) };
  }
}

giveWay();
parentPort!.postMessage(await make(workerData as Order));
