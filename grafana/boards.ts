import { container } from './container.ts';
import type { Board } from './dashboard.ts';
import { exporter } from './exporter.ts';
import { fleet } from './fleet.ts';
import { posture } from './posture.ts';

/** All dashboards by file name. */
export const BOARDS: Readonly<Record<string, Board>> = { fleet, container, posture, exporter };
