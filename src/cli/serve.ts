import { parseConfig } from '../config.ts';
import { startServer } from '../serve/start.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, type Command } from './command.ts';

export const serve: Command = {
  summary: 'serve decisions over HTTP',
  usage: `sluice serve [options]

Serves on HOST:PORT (127.0.0.1:8181) until SIGTERM; SIGHUP reloads policy and facts. It also
ends when the npm, npx or make that started it has gone; SLUICE_PID_FILE names a file that gets
the number of its process.
Everything else is configured by the environment; see README.md.

  --port PORT      instead of PORT
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, port: { type: 'string' } },
  async run({ values }, { env, root }) {
    const set = { port: 'PORT', policies: 'SLUICE_POLICIES', rego: 'SLUICE_REGO', 'data-dir': 'SLUICE_DATA_DIR' } as const;
    const given = Object.entries(set).flatMap(([option, name]) => (typeof values[option] === 'string' ? [[name, values[option]]] : []));
    return startServer(parseConfig({ ...env, ...Object.fromEntries(given) }), root);
  },
};
