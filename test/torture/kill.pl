# Makes real OOM kills in cgroups that look like containers, and prints what the kernel counted for each: lines of
# "<id> <kills> <events>", for a container in another one also the id of that, then "seconds <duration>". In Perl, as a fork is cheap in it: an emulated guest reaches storms too.
# Usage: perl kill.pl parent=/docker count=100 rate=26 life=200 way=main
#   way: main    the only process of a container is killed
#        child   a child of its first process is killed
#        nested  in a container inside a container
#        moved   the process moves into an inner cgroup before it is killed
#        group   five processes are killed together (memory.oom.group, cgroup v2)
#        reused  one path, one container after the other
#        mixed   all of these in turn, four at once, with lives of 50 ms, 100 ms and so on up to `life`
use strict;
use warnings;
use POSIX ':sys_wait_h';

my %plan = map { split /=/, $_, 2 } @ARGV;
my $v1 = -e '/sys/fs/cgroup/memory';
my @roots = $v1 ? map({ "/sys/fs/cgroup/$_" } qw(memory pids)) : ('/sys/fs/cgroup');
my $memory = $roots[0];
my $limit = 8 * 2**20;
my $group_size = 5;
my $reused_id = random_id();
my @ways = qw(main child nested moved reused);
push @ways, 'group' if !$v1;
my $at_once = $plan{way} eq 'mixed' ? 4 : 1;
my $is_reused;    # whether a container has the path that is used again

for my $root (@roots) { make_path($root, $plan{parent}) }
my %running;    # by pid
my %truth;      # by id
my ($started, $start) = (0, now());
while ($started < $plan{count} || %running) {
    my $is_free = $plan{way} ne 'reused' || !$is_reused;
    my $due = $start + ($started - $started % $at_once) / $plan{rate};
    if ($started < $plan{count} && $is_free && now() >= $due) {
        start_container(what_next());
        $started += 1;
        next;
    }
    my $pid = waitpid(-1, WNOHANG);
    if ($pid > 0) { finish(delete $running{$pid}) if exists $running{$pid} }
    else { select(undef, undef, undef, 0.001) }
}
rmdir "$_$plan{parent}" for @roots;
print map { "$_ @{$truth{$_}}\n" } sort keys %truth;
printf "seconds %.2f\n", now() - $start;

# The way in which the next container dies, and how long it lives.
sub what_next {
    return ($plan{way}, $plan{life}) if $plan{way} ne 'mixed';
    my $way = $ways[$started % @ways];
    my @lives = grep { $_ <= $plan{life} } map { 50 * 2**$_ } 0 .. 9;
    return ($way eq 'reused' && $is_reused ? 'main' : $way, $lives[$started / @ways % @lives]);
}

sub start_container {
    my ($way, $life) = @_;
    my $id = $way eq 'reused' ? $reused_id : random_id();
    $is_reused = 1 if $way eq 'reused';
    my $outer = "$plan{parent}/$id";
    my %container = (id => $id, way => $way, made => [], counted => [$outer]);
    make(\%container, $outer);
    my ($first, $last, $limited) = ($outer, $outer, $outer);
    if ($way eq 'nested') {
        $container{outer} = $id;
        $container{id} = random_id();
        make(\%container, "$outer/docker");
        $first = $last = $limited = "$outer/docker/$container{id}";
        make(\%container, $last);
        $container{counted} = [$last];
    } elsif ($way eq 'moved') {
        $last = $limited = "$outer/inner";
        make(\%container, "$outer/inner", $memory);
        # On v2 a cgroup with memory control below it holds no processes.
        $first = "$outer/inner" if !$v1;
        $container{counted} = $v1 ? [$outer, $last] : [$outer];
    }
    set_limit($limited);
    put("$memory$limited/memory.oom.group", 1) if $way eq 'group' && !$v1;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) { live($way, $life, $first, $last); POSIX::_exit(0) }
    $running{$pid} = \%container;
}

# Runs in the container.
sub live {
    my ($way, $life, $first, $last) = @_;
    put("$_$first/cgroup.procs", $$) for @roots;
    if ($way eq 'group') {
        for (3 .. $group_size) { if (!fork) { sleep 1000; POSIX::_exit(0) } }
    }
    select(undef, undef, undef, $life / 1000);
    put("$memory$last/cgroup.procs", $$) if $last ne $first;
    if ($way eq 'child' || $way eq 'group') {
        my $pid = fork // die "fork: $!";
        if ($pid > 0) { waitpid($pid, 0); return }
    }
    my @eaten;
    push @eaten, 'x' x 2**18 while 1;
}

# The cgroups of a container are removed as soon as it is dead.
sub finish {
    my ($container) = @_;
    my @cgroups = @{$container->{counted}};
    # The others of a group are killed one after the other, slowly on a slow console.
    for (1 .. 30_000) { last if !processes_in($cgroups[0]); select(undef, undef, undef, 0.001) }
    my $kills = 0;
    $kills += counter($_, 'oom_kill') for @cgroups;
    my $groups = $v1 ? 0 : counter($cgroups[0], 'oom_group_kill');
    for my $path (reverse @{$container->{made}}) {
        # Other processes of a group take a moment to leave.
        for (1 .. 5000) { last if rmdir $path or $! == POSIX::ENOENT; select(undef, undef, undef, 0.001) }
    }
    $is_reused = 0 if $container->{way} eq 'reused';
    my $known = $truth{$container->{id}} //= [0, 0];
    $known->[0] += $kills;
    $known->[1] += $groups || $kills;
    $known->[2] = $container->{outer} if $container->{outer};
}

sub make {
    my ($container, $path, @where) = @_;
    for my $root (@where ? @where : @roots) {
        delegate("$root$path");
        mkdir "$root$path" or die "mkdir $root$path: $!";
        push @{$container->{made}}, "$root$path";
    }
}

sub make_path {
    my ($root, $path) = @_;
    my $made = '';
    for my $name (grep { length } split m{/}, $path) {
        $made .= "/$name";
        delegate("$root$made");
        mkdir "$root$made";
    }
}

# On v2 a cgroup has the controllers that the one above hands down.
sub delegate {
    my ($path) = @_;
    return if $v1;
    put(($path =~ s{/[^/]+$}{}r) . '/cgroup.subtree_control', '+memory');
}

sub set_limit {
    my ($path) = @_;
    if ($v1) { put("$memory$path/memory.limit_in_bytes", $limit); return }
    put("$memory$path/memory.max", $limit);
    put("$memory$path/memory.swap.max", 0) if -e "$memory$path/memory.swap.max";
}

sub counter {
    my ($path, $key) = @_;
    my $file = "$memory$path/" . ($v1 ? 'memory.oom_control' : 'memory.events');
    open my $in, '<', $file or return 0;
    for (<$in>) { return $1 if /^$key (\d+)$/ }
    return 0;
}

sub processes_in {
    my ($path) = @_;
    open my $in, '<', "$memory$path/cgroup.procs" or return 0;
    return scalar(() = <$in>);
}

sub put {
    my ($file, $value) = @_;
    open my $out, '>', $file or return;
    syswrite $out, $value;
    close $out;
}

sub random_id {
    open my $in, '<', '/dev/urandom' or die "urandom: $!";
    read $in, my $bytes, 32;
    return unpack 'H*', $bytes;
}

sub now {
    open my $in, '<', '/proc/uptime' or die "uptime: $!";
    return (split ' ', <$in>)[0];
}
