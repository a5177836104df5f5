#!/usr/bin/env bash
# dockerode hands out a Buffer where the Docker API answers with the JSON value null.
#
# The Docker API answers `null` for an empty list here and there, such as GET /containers/{id}/changes of a container that
# changed no file (Docker 20.10). docker-modem parses a body with a function that returns undefined on failure, and takes
# every falsy result (null, 0, false, "") for a failure: the caller gets the raw bytes, and no error. A caller that checks
# for `null` or takes the length of the list is wrong: the Buffer of "null\n" has the length 5.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund dockerode@5.0.1 docker-modem@5.0.7 >> npm.log

cat > ask.cjs << 'JS'
const http = require('node:http');
const Docker = require('dockerode');

// The bodies are those of Docker 20.10: null is the answer to /containers/{id}/changes without a change.
const engine = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(request.url.includes('/changes') ? 'null\n' : '[]\n');
});
engine.listen(0, '127.0.0.1', async () => {
  const docker = new Docker({ protocol: 'http', host: '127.0.0.1', port: engine.address().port });
  const changes = await docker.getContainer('web').changes();
  const list = await docker.listContainers();
  console.log(`null  -> ${changes?.constructor?.name ?? changes} of length ${changes?.length}`);
  console.log(`[]    -> ${list.constructor.name} of length ${list.length}`);
  engine.close();
});
JS
echo "dockerode $(node -p 'require("dockerode/package.json").version'), docker-modem $(node -p 'require("docker-modem/package.json").version'), Node $(node --version)"
node ask.cjs | tee seen.txt
# Seen with dockerode 5.0.1, docker-modem 5.0.7, Node 20.20.2:
#   null  -> Buffer of length 5
#   []    -> Array of length 0
grep -qx 'null  -> Buffer of length 5' seen.txt
grep -qx '\[\]    -> Array of length 0' seen.txt
