import { readFileSync } from 'node:fs';

/** One instruction of a Dockerfile: its name in capitals, and what follows. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
  /** Of the form `["a", "b"]`. */
  readonly exec?: readonly string[];
}

export interface Stage {
  readonly from: string;
  /** Its own, or its number. */
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** Reads what our Dockerfile uses of the format: comments, continued lines, stages, the exec form. */
export function parseDockerfile(file: string): readonly Stage[] {
  const lines = readFileSync(file, 'utf8').replace(/\\\n/g, ' ').split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const stages: { from: string; name: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name, text] = /^(\S+)\s+(.*)$/.exec(line)!;
    if (name!.toUpperCase() === 'FROM') {
      const [, from, as] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(text!)!;
      stages.push({ from: from!, name: as ?? String(stages.length), instructions: [] });
      continue;
    }
    const exec = /\[.*\]$/.exec(text!)?.[0];
    stages.at(-1)!.instructions.push({ name: name!.toUpperCase(), text: text!, ...(exec !== undefined && { exec: JSON.parse(exec) as string[] }) });
  }
  return stages;
}

/** The variables that a stage sets. */
export const envOf = ({ instructions }: Stage): Readonly<Record<string, string>> => Object.fromEntries(
  instructions.filter(({ name }) => name === 'ENV').flatMap(({ text }) => text.split(/\s+/).map((pair) => pair.split('=') as [string, string])),
);
