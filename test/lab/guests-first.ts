import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Runs files in the usual order, but first the one that takes longest: the suites in guests. */
export class GuestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array's
    const sorted = await super.sort(files);
    const isOfGuests = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith('/guests.live.test.ts');
    return [...sorted.filter(isOfGuests), ...sorted.filter((file) => !isOfGuests(file))];
  }
}
