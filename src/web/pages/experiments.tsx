import { call } from '../api.ts';
import { useLoaded } from '../load.ts';
import type { ExperimentCard, ExperimentList } from '../../api/experiment-schemas.ts';
import { addressOf, dayOf, intervalText } from '../parts/experiment.ts';
import { Failure, Skeleton } from '../parts/states.tsx';
import type { Place } from '../router.ts';
import { useTitle } from '../title.ts';
import { DefineExperiment } from './define-experiment.tsx';
import { OneExperiment } from './experiment.tsx';

/** The list of experiments with their state and health, one of them, or the page to define one. */
export function Experiments({ experimentKey, place }: { experimentKey: string; place: Place }) {
  if (experimentKey === '') return <List />;
  if (experimentKey === 'define') return <DefineExperiment from={place.query.get('from') ?? ''} />;
  return <OneExperiment experimentKey={experimentKey} place={place} />;
}

const STATES = ['running', 'draft', 'stopped', 'archived'];

function List() {
  useTitle('Experiments');
  const list = useLoaded('experiments', (signal) => call<ExperimentList>('/experiments', { signal }));
  if (list.kind === 'failed') return <Failure error={list.error} retry={list.retry} />;
  if (list.kind === 'loading') return <Skeleton count={4} />;
  const { experiments, holdout } = list.value;
  return (
    <>
      <header class="row wrap page-head">
        <h1>Experiments</h1>
        <div class="row">
          <a class="button" href="/judge">
            Judgements
          </a>
          <a class="button primary" href="/experiments/define">
            New experiment
          </a>
        </div>
      </header>
      {holdout > 0 && <p class="hint">{100 * holdout} % of all units are held out of every experiment.</p>}
      {experiments.length === 0 && <p>There is none yet. Define the first one: it does not start by itself.</p>}
      {STATES.map((state) => {
        const cards = experiments.filter((card) => card.state === state);
        return (
          cards.length > 0 && (
            <section key={state} aria-label={state}>
              <h2 class="state-head">{state}</h2>
              {cards.map((card) => (
                <Row key={card.key} card={card} />
              ))}
            </section>
          )
        );
      })}
    </>
  );
}

function Row({ card }: { card: ExperimentCard }) {
  const since = card.startedAt === null ? 'not started' : `since ${dayOf(card.startedAt)}`;
  const until = card.stoppedAt === null ? '' : ` to ${dayOf(card.stoppedAt)}`;
  return (
    <a class={`panel experiment-row ${card.tone}`} href={addressOf(card.key)}>
      <span>
        <b>{card.key}</b>
        <small class="block">{card.description}</small>
        {card.conclusion && <small class="block">{card.conclusion}</small>}
        {(card.owner || card.tags.length > 0) && (
          <small class="block">{[card.owner, ...card.tags].filter((part) => part).join(' · ')}</small>
        )}
      </span>
      <span class={`verdict ${card.tone}`}>{card.verdict}</span>
      <span>
        {card.startedAt !== null && intervalText(card)}
        <small class="block">{card.metric}</small>
      </span>
      <span>
        {card.users.toLocaleString('en')} users
        <small class="block">
          {since}
          {until}
        </small>
      </span>
      <span>{card.healthy ? <small>healthy</small> : <span class="badge warn">unhealthy</span>}</span>
    </a>
  );
}
