import { defineCheck } from './check.ts';

/** Variables of the environment that look like options and are none. */
export const variables = defineCheck({
  name: 'environment',
  read: ({ unknownVariables }) => unknownVariables,
  judge(unknown) {
    if (unknown.length === 0) return { status: 'ok', says: 'no variable that looks like an option and is none' };
    return { status: 'note', says: `these look like options and are none: ${unknown.join(', ')}` };
  },
});
