import { counted } from '../../counted.ts';
import { loadPinColumns } from '../../catalog/pins/pin-columns.ts';
import type { Forecast } from '../../experiments/statistics/forecast.ts';
import { percent } from '../../experiments/statistics/verdict.ts';
import { queryFacts } from '../../service/query-facts.ts';
import { withExperiments } from './experiment-folder.ts';
import { defineJob } from '../job.ts';

/** Power before the start: what an experiment could find, by the history in the log. */
export const job = defineJob({
  name: 'forecast-experiment',
  summary: 'what an experiment could find before it starts: units, detectable lifts, caps, by the log',
  examples: ['related-pins forecast-experiment crosses --days 14'],
  args: [{ form: '<key>', meaning: 'the key of the experiment' }],
  options: [{ flag: '--days <n>', meaning: 'how long it is to run; as much history is read', kind: 'integer', default: 14 }],
  run: async ({ args, options, dataFolder, config }) =>
    withExperiments(dataFolder, config, async ({ experiments, catalog }) => {
      const pins = loadPinColumns(catalog);
      const forecast = await experiments.forecast(args[0], {
        now: Date.now(),
        days: options.days,
        listsMax: Number.POSITIVE_INFINITY,
        factsOf: ({ surface, queryPinIndex }, { hasDominantObject }) => ({
          ...queryFacts(pins, null, { surface, pinIndex: queryPinIndex }),
          hasDominantObject,
        }),
      });
      return { key: args[0], ...forecast };
    }),
  describe: (receipt) => lines(receipt),
});

function lines({ key, days, lists, unitsSeen, unitsEnrolled, metrics }: Forecast & { readonly key: string }): string[] {
  const cell = (value: number | null): string => (value === null ? 'unknown' : percent(value));
  return [
    `${key} over ${counted(days, 'day')}: ${counted(unitsSeen, 'unit')} met ${counted(lists, 'eligible list')}, ${unitsEnrolled} would have taken part`,
    ...metrics.map(
      ({ metric, detectableLift, detectableLiftWatching, suggestedCap }) =>
        `  ${metric}: finds ${cell(detectableLift)} at the end, ${cell(detectableLiftWatching)} while watching${suggestedCap === null ? '' : `; cap ${suggestedCap}`}`,
    ),
  ];
}
