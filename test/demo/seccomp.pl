# Installs a seccomp filter that refuses system calls which containers do not need, and runs its arguments.
use strict;
use warnings;

# Per architecture: its number, prctl, and the system calls to refuse: ptrace, mount, umount2, pivot_root, reboot,
# init_module, delete_module, kexec_load, add_key, request_key, keyctl, unshare, perf_event_open, finit_module, bpf.
my %architectures = (
  x86_64 => [0xC000003E, 157, 101, 165, 166, 155, 169, 175, 176, 246, 248, 249, 250, 272, 298, 313, 321],
  aarch64 => [0xC00000B7, 167, 117, 40, 39, 41, 142, 105, 106, 104, 217, 218, 219, 97, 241, 273, 280],
);
chomp(my $machine = `uname -m`);
my ($architecture, $prctl, @refused) = @{$architectures{$machine} or die "no filter for $machine\n"};

# struct sock_filter { code, jump if true, jump if false, value }, of classic BPF
my ($load, $equal, $return) = (0x20, 0x15, 0x06);
my ($allow, $refuse) = (0x7fff0000, 0x00050001);    # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM
my $filter = pack('SCCL', $load, 0, 0, 4)           # the architecture of the call
  . pack('SCCL', $equal, 1, 0, $architecture)
  . pack('SCCL', $return, 0, 0, $refuse)
  . pack('SCCL', $load, 0, 0, 0);                   # its number
$filter .= pack('SCCL', $equal, 0, 1, $_) . pack('SCCL', $return, 0, 0, $refuse) for @refused;
$filter .= pack('SCCL', $return, 0, 0, $allow);

my $program = pack('S x![Q] P', length($filter) / 8, $filter);    # struct sock_fprog
my ($set_seccomp, $mode_filter) = (22, 2);
syscall($prctl, $set_seccomp, $mode_filter, $program) == 0 or die "seccomp: $!\n";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n";
