#!/usr/bin/env bash
# dockerode loads ssh2 and gRPC even if it is given a modem of its own.
#
# The option `modem` replaces docker-modem, and a caller that only sends GET requests needs neither SSH nor sessions of BuildKit.
# dockerode nevertheless loads docker-modem (with ssh2) and @grpc/grpc-js at once. More than nine tenths of the modules in
# memory are then code that nothing calls.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund --ignore-scripts dockerode@5.0.1 docker-modem@5.0.7 >> npm.log

cat > load.cjs << 'JS'
const Docker = require('dockerode');

const modem = { dial: ({ path }, answer) => answer(null, path) };
new Docker({ modem }).ping((error, path) => console.log(`asked through the own modem: ${path}`));
const loaded = Object.keys(require.cache).filter((file) => file.includes('/node_modules/'));
const of = (name) => loaded.filter((file) => file.includes(`/node_modules/${name}/`)).length;
for (const name of ['docker-modem', 'ssh2', '@grpc/grpc-js']) console.log(`${name}: ${of(name) > 0 ? 'loaded' : 'not loaded'}`);
console.log(`modules of dockerode: ${of('dockerode')} of ${loaded.length}`);
JS
echo "dockerode $(node -p 'require("dockerode/package.json").version'), docker-modem $(node -p 'require("docker-modem/package.json").version'), Node $(node --version)"
node load.cjs | tee seen.txt
# Seen with dockerode 5.0.1, docker-modem 5.0.7, Node 20.20.2:
#   asked through the own modem: /_ping
#   docker-modem: loaded
#   ssh2: loaded
#   @grpc/grpc-js: loaded
#   modules of dockerode: 14 of 205
grep -qx 'asked through the own modem: /_ping' seen.txt
for name in docker-modem ssh2 @grpc/grpc-js; do grep -qx "$name: loaded" seen.txt; done
