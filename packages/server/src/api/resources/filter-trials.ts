import { Type } from 'typebox'
import type { FilterTrial, FilterTrials } from '../../services/filter-trials.ts'
import { requirePayloads } from '../http/access.ts'
import {
  ListOrNull,
  NoQuery,
  ref,
  strict,
  TenantParams,
  TextOrNull,
  TimeOrNull,
  timeOrNull,
  Warnings,
} from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './filter-trials.examples.json' with { type: 'json' }

const MAX_TRIALS = 100

const FilterTrialInput = strict({
  filter: Type.Unsafe<Readonly<Record<string, unknown>>>({
    type: 'object',
    additionalProperties: true,
    description: 'The filter, as an endpoint takes it. See docs/event-types.md.',
  }),
  types: Type.Optional(
    ListOrNull<string>('string', {
      description: 'Event types, as an endpoint takes them. Null or omitted for all types in the catalogue.',
    }),
  ),
  payloads: Type.Optional(
    Type.Array(Type.Unknown(), { minItems: 1, maxItems: MAX_TRIALS, description: 'Payloads to try the filter on.' }),
  ),
  events: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      maxItems: MAX_TRIALS,
      description: 'Ids or keys of events to try the filter on.',
    }),
  ),
  recent: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_TRIALS,
      description: 'How many of the newest events of these types to try the filter on.',
    }),
  ),
})

const FilterTrialSchema = Type.Object(
  {
    event: Type.Optional(Type.String({ description: 'The id of the event. Absent for a payload of the request.' })),
    key: Type.Optional(TextOrNull({ description: "The publisher's own key of the event. Null if it has none." })),
    type: Type.Optional(Type.String({ description: 'The type of the event.' })),
    matches: Type.Boolean({ description: 'Whether an endpoint with this filter and these types would receive it.' }),
    undecided: Type.Boolean({
      description: 'Whether the filter ran out of steps before it had a result. It then lets the event through.',
    }),
    decidedBy: Type.Object(
      {
        path: Type.String({ description: 'A JSON Pointer into the filter.' }),
        because: Type.String({ description: 'Why that part holds, or does not, in one sentence.' }),
      },
      { description: 'The part of the filter that decided.' },
    ),
  },
  { $id: 'FilterTrial' },
)

const Result = Type.Object(
  {
    data: Type.Array(ref(FilterTrialSchema), {
      description: 'One for each payload or event, in the order of the request. Recent events are newest first.',
    }),
    searchedTo: TimeOrNull(
      'How far back events were looked at, if there were too many to find as many as asked for. Otherwise null.',
    ),
    warnings: Warnings('The warnings that an endpoint with this filter and these types would have.'),
  },
  { description: 'What the filter decides.' },
)

type Needs = { readonly filterTrials: Public<FilterTrials> }

export const filterTrialsResource = resource({
  tag: 'Endpoints',
  components: [FilterTrialSchema],
  examples,
  add(routes, { filterTrials }: Needs) {
    routes.post(
      '/v1/tenants/:tenant/filter-trials',
      {
        access: 'read',
        isCostly: true,
        payloadsIn: 'payloads',
        portal: 'look',
        operationId: 'tryFilter',
        summary: 'Try a filter',
        description:
          'Says for payloads of the request (`payloads`), for events (`events`) or for the newest events (`recent`) ' +
          'whether a filter lets them through, and which part of it decided. Set exactly one of the three. The filter ' +
          'is checked as it is when an endpoint is registered. Nothing is stored or sent. To try stored events, a key ' +
          'needs the permission `payloads`. `recent` leaves out tests, rejected events, and those whose payload is no ' +
          'longer kept.',
        params: TenantParams,
        querystring: NoQuery,
        body: FilterTrialInput,
        response: { 200: Result },
        refusals: ['not_found'],
      },
      async ({ params: { tenant }, body, caller }) => {
        if (body.payloads === undefined) requirePayloads(caller, 'try a filter on stored events')
        const { trials, warnings, searchedToMs } = await filterTrials.run(tenant, body)
        return { data: trials.map(viewTrial), searchedTo: timeOrNull(searchedToMs), warnings: [...warnings] }
      },
    )
  },
})

function viewTrial({ event, matches, undecided, decidedBy }: FilterTrial) {
  const named = event === null ? {} : { event: event.id, key: event.key, type: event.type }
  return { ...named, matches, undecided, decidedBy }
}
