import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { dockerSuite } from './docker-suite.ts';

describeLive('Docker on this host', ['docker'], () => {
  dockerSuite(() => Promise.resolve(host));
});
