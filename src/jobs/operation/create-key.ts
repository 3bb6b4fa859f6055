/** A key with scopes, shown once, kept only as a digest. A running server knows it at once. */
import { createKey } from '../../access-keys.ts';
import { appendAudit } from '../../audit-trail.ts';
import { changeKeys } from '../job-lock.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'create-key',
  summary: 'makes an access key and shows it once',
  examples: ['related-pins create-key shop --scopes read,events', 'related-pins create-key importer --scopes catalogue --json'],
  args: [{ form: '<name>', meaning: 'what the key is for; it stands in the log lines' }],
  options: [
    {
      flag: '--scopes <scopes>',
      meaning: 'what it may do: read, people (single users), events, catalogue, lists (of nodes), admin',
      kind: 'list',
      required: true,
    },
  ],
  async run({ args, options, dataFolder }) {
    const { scopes } = options;
    const key = await changeKeys(dataFolder, () => createKey(dataFolder, args[0], scopes));
    appendAudit(dataFolder, { who: 'command line', action: 'create-key', subject: `${args[0]} (${scopes.join(', ')})` });
    return { name: args[0], scopes, key };
  },
  describe: ({ name, scopes, key }) => [
    `${name} may: ${scopes.join(', ')}`,
    key,
    'Keep it now: it is not stored and can not be shown again.',
  ],
});
