import { defineCheck } from './check.ts';

/** Environment variables that match no option. */
export const variables = defineCheck({
  name: 'environment',
  read: ({ unknownVariables }) => unknownVariables,
  judge(unknown) {
    if (unknown.length === 0) return { status: 'ok', message: 'all ISOLATION_EXPORTER_ variables name an option' };
    return { status: 'note', message: `unknown variables: ${unknown.join(', ')}` };
  },
});
