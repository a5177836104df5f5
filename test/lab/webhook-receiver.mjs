// Plays the role of a pager: receives Alertmanager's notifications on a free loopback port, and writes each as a line
// of JSON with its time of arrival. It is plain JavaScript, because it also runs in the guest.
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
