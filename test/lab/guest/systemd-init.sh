# Makes the host's systemd boot into only the agent, whatever services the host has, and then becomes systemd.
set -e
rm -rf /etc/systemd/system /etc/fstab
mkdir -p /etc/systemd/system
: > /etc/fstab
: > /etc/machine-id
echo lab > /etc/hostname

cat > /etc/systemd/system/lab.target << 'UNIT'
[Unit]
Description=The lab
Wants=lab-agent.service dbus.socket
AllowIsolate=yes
UNIT

cat > /etc/systemd/system/lab-agent.service << 'UNIT'
[Unit]
Description=Runs the jobs of the test run
DefaultDependencies=no
# systemd empties /tmp at boot, and must not delete files that a job has already put there.
After=systemd-tmpfiles-setup.service

[Service]
ExecStart=/bin/bash /lab/agent.sh
Delegate=yes
KillMode=process
TasksMax=infinity
UNIT

# No login on the console: nobody logs in, and only the kernel's messages are worth keeping.
exec /lib/systemd/systemd --unit=lab.target --log-target=kmsg
