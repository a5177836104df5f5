import { container } from './container.ts';
import type { Board } from './dashboard.ts';
import { exporter } from './exporter.ts';
import { fleet } from './fleet.ts';
import { posture } from './posture.ts';

/** All boards, by the names of their files. */
export const BOARDS: Readonly<Record<string, Board>> = { fleet, container, posture, exporter };
