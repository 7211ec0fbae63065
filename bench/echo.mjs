// The yardstick: a server that parses a JSON body and sends it back. With a file as argument: an Express server that
// parses the body and sends what is in the file.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, answerFile] = process.argv.slice(2);

if (answerFile === undefined) {
  createServer((req, res) => {
    if (req.method === 'GET') return void res.end('{}');
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      const body = JSON.stringify(JSON.parse(Buffer.concat(chunks)));
      res.setHeader('content-type', 'application/json');
      res.end(body);
    });
  }).listen(Number(port), '127.0.0.1');
} else {
  const { default: express } = await import('express');
  const answer = JSON.parse(readFileSync(answerFile, 'utf8'));
  const app = express();
  app.get('/', (_, res) => res.json({}));
  app.post('/check', express.json({ limit: '1mb' }), (req, res) => {
    if (req.body.fields.length === 0) return void res.status(400).end();
    res.json(answer);
  });
  app.listen(Number(port), '127.0.0.1');
}
