import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { Cgroups } from './cgroups.ts';
const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
const cgroups = new Cgroups(layout);
for (let i = 0; i < Number(process.argv[2]); i += 1) cgroups.start();
console.log('ready');
process.on('SIGTERM', () => void cgroups.remove().finally(() => process.exit(0)));
setInterval(() => {}, 1e6);
