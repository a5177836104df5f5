import { oomAccountOf } from '../collectors/oom.ts';
import { defineContainerView, ours } from './view.ts';

/** OOM kills of containers that exist. */
export const oom = defineContainerView({
  name: 'oom',
  read(container, scrape) {
    const account = oomAccountOf(container, scrape);
    if (account?.error !== undefined) throw account.error;
    return account;
  },
  families: [
    {
      name: 'container_oom_events_total',
      type: 'counter',
      help: 'Times that the OOM killer killed in the container.',
      value: ({ events }) => events,
      ours: ours('oom_events_total'),
      differs:
        'Also without the kernel log, and continued by the next container with the same name. Only ours stays after the container is gone.',
    },
  ],
});
