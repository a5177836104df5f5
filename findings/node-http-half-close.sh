#!/usr/bin/env bash
# Node's HTTP server drops a request if the client closes its sending side before the answer is ready.
#
# A client that has sent its whole request may shut down that direction and wait for the answer: `nc -N`, socat and simple health checks do
# when their input ends. Go's and Python's servers answer. Node takes the end for an abort: the request emits `aborted`, the connection is
# closed, and the client gets nothing at all. A handler that answers at once wins the race, so it shows first with an answer
# that takes time. The documentation of http.createServer() names no option; the field `httpAllowHalfOpen` of the server changes it.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
for version in 20.20.2 24.9.0; do
  npm install --silent --no-audit --no-fund --prefix "v$version" "node@$version" >> npm.log 2>&1
done
cat > server.mjs << 'JS'
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  if (request.url === '/slow') setTimeout(() => response.end('ok\n'), 300);
  else response.end('ok\n');
});
server.httpAllowHalfOpen = process.argv[2] === 'half-open';
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
JS
cat > server.go << 'GO'
package main

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(300 * time.Millisecond)
		}
		fmt.Fprintln(w, "ok")
	}))
}
GO
go build -o go-server server.go
cat > client.mjs << 'JS'
import { connect } from 'node:net';

for (const path of ['/fast', '/slow']) {
  const answer = await new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ port: Number(process.argv[2]), host: '127.0.0.1', allowHalfOpen: true });
    socket.setEncoding('utf8').on('data', (part) => (text += part));
    socket.on('error', reject).on('close', () => resolve(text.split('\r\n')[0] || 'nothing'));
    socket.end(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  });
  process.stdout.write(`${path} ${answer}; `);
}
console.log();
JS

# ask NAME COMMAND…: starts a server and asks it.
ask() {
  local name=$1
  shift
  : > port
  "$@" > port &
  pids+=($!)
  until [ -s port ]; do sleep 0.1; done
  echo "$name: $(node client.mjs "$(cat port)")"
}
for version in 20.20.2 24.9.0; do
  node=$(find "v$version" -path '*/bin/node' -type f -size +10M | head -n 1)
  ask "Node $version" "$node" server.mjs
  ask "Node $version, httpAllowHalfOpen" "$node" server.mjs half-open
done > seen.txt
ask 'net/http of Go' ./go-server >> seen.txt
cat seen.txt
diff seen.txt - << 'SEEN'
Node 20.20.2: /fast HTTP/1.1 200 OK; /slow nothing; 
Node 20.20.2, httpAllowHalfOpen: /fast HTTP/1.1 200 OK; /slow HTTP/1.1 200 OK; 
Node 24.9.0: /fast HTTP/1.1 200 OK; /slow nothing; 
Node 24.9.0, httpAllowHalfOpen: /fast HTTP/1.1 200 OK; /slow HTTP/1.1 200 OK; 
net/http of Go: /fast HTTP/1.1 200 OK; /slow HTTP/1.1 200 OK; 
SEEN
