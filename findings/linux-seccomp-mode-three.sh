#!/usr/bin/env bash
# A process that seccomp has killed has a mode of seccomp that no document has.
#
# proc_pid_status(5) knows three modes: 0 disabled, 1 strict, 2 filter, and so does linux/seccomp.h for programs. Since Linux 5.16 the
# kernel has a fourth of its own, SECCOMP_MODE_DEAD, so that a thread that is about to die makes no more system calls. The status of a
# process shows it, for as long as nobody waits for the zombie: a parser of three modes meets 3 in any container whose first process does
# not wait for its children.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo "Linux $(uname -r | cut -d. -f1-2); modes in linux/seccomp.h:" $(awk '/define SECCOMP_MODE_/ { print $3 }' /usr/include/linux/seccomp.h 2> /dev/null || echo 'not installed')
{
  # The child may only read, write and exit, and asks for its pid.
  perl -e '
    my ($prctl, $getpid) = `uname -m` =~ /aarch64/ ? (167, 172) : (157, 39);
    my $child = fork;
    if (!$child) { syscall($prctl, 22, 1, 0, 0, 0); syscall($getpid); exit }
    my $status;
    do {
      select undef, undef, undef, 0.05;
      open my $file, "<", "/proc/$child/status" or die;
      $status = join "", <$file>;
    } until $status =~ /^State:\tZ/m;
    print $status =~ /^(State:.*\n|Seccomp:.*\n)/mg;
    waitpid $child, 0;
    print "ended by signal ", $? & 127, "\n";
  '
} | tee seen.txt
diff seen.txt - << 'SEEN'
State:	Z (zombie)
Seccomp:	3
ended by signal 9
SEEN
