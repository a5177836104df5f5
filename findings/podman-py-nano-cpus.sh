#!/usr/bin/env bash
# podman-py takes `nano_cpus` and starts the container without a CPU limit. Needs Python 3; no Podman.
#
# PodmanClient.containers.create() has the parameters of Docker's SDK. Its documentation lists `nano_cpus` (CPU quota in units of 1e-9
# CPUs), which is what `docker run --cpus` sets. podman-py removes it, as well as `cpu_count` and `cpu_percent`, from the request without
# a word. For others that it cannot translate, such as `blkio_weight`, it raises TypeError. A program that moves from Docker's
# SDK loses the CPU limits of its containers, and keeps those of memory and pids. `cpu_quota` and `cpu_period` arrive.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check podman==5.8.0 docker==7.2.0 > pip.log 2>&1 || { cat pip.log; exit 1; }
cat > create.py << 'PY'
import http.server, json, os, socketserver, threading
import docker, podman

class Engine(http.server.BaseHTTPRequestHandler):
    """Takes requests of both APIs, and keeps the limits of the last container."""
    protocol_version = 'HTTP/1.1'
    limits = {}

    def address_string(self):
        return 'local'

    def log_message(self, *arguments):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        host = request.get('HostConfig', {})
        Engine.limits = request.get('resource_limits') or {key: value for key, value in host.items() if key in ('Memory', 'NanoCpus')}
        self.answer(201, {'Id': '1', 'Warnings': []})

    def do_GET(self):
        self.answer(200, {'Id': '1', 'Name': '/web', 'ApiVersion': '1.43'})

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

server = Server('engine.sock', Engine)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f'unix://{os.getcwd()}/engine.sock'

def show(name, client, **options):
    try:
        client.containers.create('busybox', **options)
        print(f'{name} {options}: {json.dumps(Engine.limits)}')
    except TypeError as error:
        print(f'{name} {options}: TypeError: {error}')

show('docker', docker.DockerClient(base_url=address, version='1.43'), mem_limit='64m', nano_cpus=500_000_000)
client = podman.PodmanClient(base_url=address)
show('podman', client, mem_limit='64m', nano_cpus=500_000_000)
show('podman', client, mem_limit='64m', cpu_quota=50_000)
show('podman', client, blkio_weight=10)
PY
echo 'podman-py 5.8.0, Docker SDK for Python 7.2.0'
venv/bin/python create.py | tee seen.txt
diff seen.txt - << 'SEEN'
docker {'mem_limit': '64m', 'nano_cpus': 500000000}: {"Memory": 67108864, "NanoCpus": 500000000}
podman {'mem_limit': '64m', 'nano_cpus': 500000000}: {"memory": {"limit": 67108864}}
podman {'mem_limit': '64m', 'cpu_quota': 50000}: {"cpu": {"quota": 50000}, "memory": {"limit": 67108864}}
podman {'blkio_weight': 10}: TypeError: Keyword(s) 'blkio_weight' are currently not supported by Podman API.
SEEN
