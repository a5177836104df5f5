// Stands for a pager: takes Alertmanager's notifications on a free port of loopback, and writes each one down as a line of
// JSON with the time of its arrival. It runs as plain JavaScript, since it also does in the guest.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { alerts } = JSON.parse(Buffer.concat(chunks).toString());
    console.log(JSON.stringify({ at: Date.now() / 1000, path: request.url, alerts }));
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
