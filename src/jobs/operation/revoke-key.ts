/** Takes an access key back. A running server refuses it from the next request on. */
import { revokeKey } from '../../access-keys.ts';
import { appendAudit } from '../../audit-trail.ts';
import { changeKeys } from '../job-lock.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'revoke-key',
  summary: 'takes an access key back, at once',
  examples: ['related-pins revoke-key shop'],
  args: [{ form: '<name>', meaning: 'the name of the key; list-keys shows them' }],
  options: [],
  async run({ args, dataFolder }) {
    const { name, scopes } = await changeKeys(dataFolder, () => revokeKey(dataFolder, args[0]));
    appendAudit(dataFolder, { who: 'command line', action: 'revoke-key', subject: name });
    return { name, scopes };
  },
  describe: ({ name }) => [`${name} is refused from now on`],
});
