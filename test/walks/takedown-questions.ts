/**
 * What is asked of each route of the OpenAPI document about a pin that was taken away. A route that is not here fails the
 * test: whoever adds one says how its replies could hold the pin, or why they do not.
 */

export interface Question {
  /** The path, where it is not the one of the route. */
  readonly path?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** A form: `image` stands for the picture of a pin, or `true` for that of the pin that goes. */
  readonly form?: Readonly<Record<string, string>>;
  /** Asked of the pin itself: answered before, 404 after. */
  readonly own?: true;
  /** Not said to hold the pin before: what it tells depends on more than that the pin is there. */
  readonly perhaps?: true;
}

export const GONE = 'plant-2';
/** The pin's twin: people said that both are one picture. */
export const TWIN = 'tattoo-6';
const CHANGES = 'changes things, and tells counts';
const OPERATING = 'tells about jobs, models or the process';
const related = (query: string): Question => ({ path: `/v1/pins/plant-1/related?limit=50${query}` });
const search = (more: object): Question => ({ body: { pinId: 'plant-1', limit: 50, ...more } });
const BOX = { box: [0.1, 0.1, 0.9, 0.9], boxUnit: 'fractions' };

/** By method and path of the document. A text: why the route is not asked. */
export const QUESTIONS: Readonly<Record<string, readonly Question[] | string>> = {
  'GET /v1/pins/{id}/related': [
    related(''),
    related('&buyable=true'),
    related('&explain=true'),
    related('&category=gardening'),
    related('&userId=cleo-plant'),
    related('&sessionId=s1'),
    related('&fields=price'),
    related('&exclude=plant-3'),
    related('&treatment=variant-c'),
    { path: `/v1/pins/${GONE}/related`, own: true },
    { path: `/v1/pins/${GONE}/related?userId=ann-plant&explain=true`, own: true },
  ],
  'GET /v1/users/{id}/home-feed': [
    { path: '/v1/users/cleo-plant/home-feed?limit=50' },
    { path: '/v1/users/cleo-plant/home-feed?limit=50&explain=true' },
    { path: '/v1/users/ann-plant/home-feed?limit=50', perhaps: true },
    { path: '/v1/users/nobody-yet/home-feed?limit=50', perhaps: true },
  ],
  'POST /v1/rank': [
    { body: { queryPinId: 'plant-1', pinIds: [GONE, 'plant-3', 'tattoo-1'] } },
    { body: { queryPinId: 'plant-1', pinIds: [GONE, 'plant-3'], explain: true, userId: 'cleo-plant' } },
    { body: { queryPinId: GONE, pinIds: ['plant-1'] }, own: true },
  ],
  'GET /v1/pins': [
    { path: '/v1/pins?limit=200' },
    { path: '/v1/pins?limit=200&distinct=true' },
    { path: '/v1/pins?limit=200&buyable=true' },
    { path: '/v1/pins?limit=200&order=mixed' },
    { path: '/v1/pins?q=plant' },
    { path: '/v1/pins?q=number%202' },
    { path: '/v1/pins?category=gardening' },
  ],
  'GET /v1/pins/{id}': [{ path: `/v1/pins/${GONE}`, own: true }],
  'GET /v1/pins/{id}/image': [
    { path: `/v1/pins/${GONE}/image`, own: true },
    { path: `/v1/pins/${GONE}/image?width=64`, own: true },
  ],
  'GET /v1/pins/{id}/objects': [
    { path: `/v1/pins/${GONE}/objects`, own: true },
    { path: `/v1/pins/${GONE}/objects?explain=true`, own: true },
    { path: '/v1/pins/plant-1/objects?explain=true', perhaps: true },
  ],
  'GET /v1/pins/{id}/boards': [{ path: `/v1/pins/${GONE}/boards`, own: true }, { path: '/v1/pins/plant-1/boards' }],
  'GET /v1/boards': [{}],
  'GET /v1/boards/{id}': [{ path: '/v1/boards/plants%20of%20ann' }],
  'GET /v1/boards/{id}/pins': [{ path: '/v1/boards/plants%20of%20ann/pins' }],
  'GET /v1/boards/{id}/related': [
    { path: '/v1/boards/plants%20of%20cleo/related?limit=50' },
    { path: '/v1/boards/plants%20of%20cleo/related?limit=50&explain=true' },
  ],
  'POST /v1/related': [
    { body: { like: ['plant-1', 'plant-4'], limit: 50 } },
    { body: { like: ['plant-1', 'tattoo-1'], unlike: ['tattoo-3'], limit: 50, explain: true } },
    { form: { image: GONE, like: '["plant-1"]', limit: '50' } },
    { body: { like: ['plant-1', GONE] }, own: true },
    { body: { like: ['plant-1'], unlike: [GONE] }, own: true },
  ],
  'GET /v1/near-duplicates': [{ path: '/v1/near-duplicates?limit=100' }],
  'POST /v1/visual-search': [
    search({}),
    search({ explain: true }),
    search(BOX),
    search({ ...BOX, mode: 'similar-looks', category: 'gardening' }),
    { ...search({ mode: 'shop-the-look' }), perhaps: true },
    { ...search({ ...BOX, mode: 'exact-product' }), perhaps: true },
    search({ term: 'plant' }),
    { form: { image: 'plant-1', limit: '50' } },
    { form: { image: GONE, limit: '50', explain: 'true' } },
    { form: { pinId: 'plant-1', limit: '50' } },
    { body: { pinId: GONE }, own: true },
    { form: { pinId: GONE }, own: true },
  ],
  'POST /v1/lens': [
    search({}),
    search(BOX),
    { form: { image: GONE, limit: '50' } },
    { form: { pinId: 'plant-1', limit: '50' } },
    { body: { pinId: GONE }, own: true },
  ],
  'GET /v1/users/{id}/history': [{ path: '/v1/users/ann-plant/history' }],
  'GET /v1/users/{id}/hidden': [{ path: '/v1/users/ann-plant/hidden', perhaps: true }],
  'GET /v1/judgements/{study}/next': [{ path: '/v1/judgements/looks/next?judge=late' }],
  'GET /v1/experiments/{key}/differences': [{ path: '/v1/experiments/orders/differences' }],
  'GET /v1/experiments/{key}/exposures': 'is the record of what was shown, for who may see single people',
  'POST /v1/judgements/{study}': 'its reply is that of GET next; a test of its own walks through all tasks',
  'POST /v1/judgements': CHANGES,
  'GET /v1/judgements': 'counts answers',
  'GET /v1/users': 'names people',
  'GET /v1/categories': 'counts pins by category',
  'GET /v1/marks': 'counts pins by mark',
  'GET /v1/experiments': 'lists experiments by their figures',
  'GET /v1/experiments/{key}': 'is the definition an operator wrote, and figures',
  'GET /v1/experiments/{key}/versions/{version}': 'is a definition an operator wrote',
  'GET /v1/experiments/{key}/report': 'is figures',
  'GET /v1/experiments/{key}/forecast': 'is figures',
  'GET /v1/models': OPERATING,
  'POST /v1/experiments/forecast': 'is figures',
  'GET /v1/models/{name}': OPERATING,
  'GET /v1/models/{name}/differences': OPERATING,
  'GET /v1/models/{name}/judgement': OPERATING,
  'GET /v1/models/history': OPERATING,
  'GET /v1/models/dark/report': OPERATING,
  'GET /v1/nets': OPERATING,
  'GET /v1/status': OPERATING,
  'GET /v1/nets/dark/report': OPERATING,
  'GET /v1/jobs': OPERATING,
  'GET /v1/jobs/runs': OPERATING,
  'GET /health/live': OPERATING,
  'GET /health/ready': OPERATING,
  'GET /metrics': OPERATING,
  'GET /v1/openapi.json': OPERATING,
  'GET /v1/removals': 'says to nodes which pins are gone',
  'POST /v1/near-duplicates': 'answers about the pins that were named, and refuses one that is gone',
  ...Object.fromEntries(
    [
      ...[
        'POST /v1/events',
        'POST /v1/served-lists',
        'POST /v1/pins',
        'POST /v1/boards',
        'POST /v1/saves',
        'DELETE /v1/saves',
        'POST /v1/saves/restore',
      ],
      ...['DELETE /v1/pins/{id}', 'POST /v1/pins/{id}/restore', 'DELETE /v1/boards/{id}', 'POST /v1/boards/{id}/restore'],
      ...['POST /v1/photos', 'POST /v1/photos/take-in', 'POST /v1/experiments', 'POST /v1/experiments/{key}/start'],
      ...['POST /v1/experiments/{key}/stop', 'POST /v1/experiments/{key}/archive', 'POST /v1/experiments/{key}/ramp'],
      ...['POST /v1/experiments/{key}/conclude', 'POST /v1/nets/{name}/switch', 'POST /v1/nets/roll-back'],
      ...['POST /v1/models/{name}/promote', 'POST /v1/models/roll-back', 'POST /v1/models/{name}/canary', 'POST /v1/models/canary/stop'],
      ...['POST /v1/models/{name}/dark', 'POST /v1/models/dark/stop', 'POST /v1/jobs/{job}/run', 'POST /v1/jobs/{job}/stop'],
      ...['PUT /v1/jobs/{job}/schedule', 'DELETE /v1/jobs/{job}/schedule'],
    ].map((route) => [route, CHANGES]),
  ),
};
