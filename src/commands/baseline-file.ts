import { open, readFile, rename, rm } from 'node:fs/promises';
import { UsageError } from '../config/config.ts';
import { placeToWrite } from '../config-files/place-to-write.ts';
import { type Baseline, parseBaseline, renderBaseline } from '../scan/baseline.ts';

/**
 * Reads a baseline.
 *
 * @throws UsageError if it cannot be read or is no valid baseline, with one line that names the file.
 */
export async function readBaseline(file: string): Promise<Baseline> {
  try {
    return parseBaseline(await readFile(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`--baseline: ${file}: ${messageOf(error)}`);
  }
}

/**
 * Writes a baseline. Whatever happens, the file has the old content or the new.
 *
 * @throws UsageError if it cannot be written.
 */
export async function writeBaseline(file: string, baseline: Baseline): Promise<void> {
  try {
    const { target, mode } = await placeToWrite(file);
    await replace(target, { text: renderBaseline(baseline), mode });
  } catch (error) {
    throw new UsageError(`--write-baseline: ${messageOf(error)}`);
  }
}

async function replace(file: string, { text, mode }: { readonly text: string; readonly mode: number }): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'wx', mode);
  try {
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
