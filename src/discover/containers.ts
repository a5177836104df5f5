import type { CgroupMatch, ContainerCgroup } from '../container.ts';
import { EventBalance } from './event-balance.ts';
