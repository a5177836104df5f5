#!/usr/bin/env bash
# systemd-notify exits with 1 after 5 s although its message has arrived, if the service manager is busy. Needs Python 3.
#
# After the message it sends `BARRIER=1` with a descriptor, and waits until the receiver has closed it: systemd then knows whose
# process sent the message. It waits 5 s at most. If systemd is slower (a machine short of CPU), the exit code says that nothing
# was sent, and the program sends one more message: `ERRNO=110`, which `systemctl status` shows as an error of the unit.
set -euo pipefail
work=$(mktemp -d)
trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
packages=(systemd=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2)
{ apt-get download "${packages[@]}" || { apt-get update && apt-get download "${packages[@]}"; }; } > apt.log 2>&1
for package in *.deb; do dpkg -x "$package" .; done
library=$(dirname "$(find "$work" -name "libsystemd-shared-252.so")")

cat > receive.py << 'PY'
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('notify')
print('listening', flush=True)
receiver.settimeout(8)
kept, messages = [], []
try:
    while len(messages) < 2 or sys.argv[1] == 'busy':
        message, descriptors, *_ = socket.recv_fds(receiver, 4096, 4)
        messages.append(message.decode().strip())
        # A busy service manager has the descriptor, and has not come to closing it.
        kept += descriptors
except TimeoutError:
    pass
print(' '.join(messages))
PY

for state in idle busy; do
  rm -f notify
  python3 receive.py "$state" > "received.$state" &
  until grep -qs listening "received.$state"; do sleep 0.1; done
  code=0
  NOTIFY_SOCKET=$work/notify LD_LIBRARY_PATH=$library bin/systemd-notify READY=1 2> error || code=$?
  wait
  echo "$state: exit code $code, received: $(tail -n 1 "received.$state")"
done | tee seen.txt
LD_LIBRARY_PATH=$library bin/systemd-notify --version | head -n 1
# Seen with systemd 252.39:
#   idle: exit code 0, received: READY=1 BARRIER=1
#   busy: exit code 1, received: READY=1 BARRIER=1 ERRNO=110
diff seen.txt - << 'END'
idle: exit code 0, received: READY=1 BARRIER=1
busy: exit code 1, received: READY=1 BARRIER=1 ERRNO=110
END
