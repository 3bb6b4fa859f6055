/** Looks at an installation from the runtime to Redis, changes nothing, and says what is wrong and the way out. */
import { reasonOf } from '../../errors.ts';
import { CHECKS, type Finding } from './doctor-checks.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'doctor',
  summary: 'looks at an installation and says what is wrong',
  examples: ['related-pins doctor', 'related-pins doctor --data /var/lib/related-pins --json'],
  options: [],
  async run({ dataFolder, config, progress }) {
    const findings: Finding[] = [];
    progress.start('looking', CHECKS.length);
    for (const [done, check] of CHECKS.entries()) {
      try {
        findings.push(...(await check({ dataFolder, config })));
      } catch (error) {
        findings.push({
          check: check.name,
          health: 'bad',
          says: reasonOf(error),
          wayOut: 'The check itself failed; the reason says where.',
        });
      }
      progress.update(done + 1);
    }
    progress.stop();
    const count = (health: string): number => findings.filter((finding) => finding.health === health).length;
    return { ok: count('ok'), warn: count('warn'), bad: count('bad'), findings };
  },
  describe({ findings, bad, warn }) {
    const lines = findings.flatMap(({ check, health, says, wayOut }) => {
      const line = `${health.padEnd(5)}${check.padEnd(23)} ${says}`;
      return wayOut === '' ? [line] : [line, `${' '.repeat(29)}${wayOut}`];
    });
    return [...lines, '', bad === 0 ? `nothing is wrong${warn === 0 ? '' : `, ${warn} to look at`}` : `${bad} wrong, ${warn} to look at`];
  },
  exitCode: ({ bad }) => (bad > 0 ? 1 : 0),
});
