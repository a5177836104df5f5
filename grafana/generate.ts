import { writeFileSync } from 'node:fs';
import { BOARDS } from './boards.ts';
import { render } from './dashboard.ts';

// npm run dashboards
for (const [name, board] of Object.entries(BOARDS)) {
  writeFileSync(new URL(`dashboards/${name}.json`, import.meta.url), render(board));
}
