import { type Static, Type } from 'typebox'
import { idMs } from '../../base/ids.ts'
import type { Search, SearchResult } from '../../services/search.ts'
import type { Found, FoundKind } from '../../store/operations/search.ts'
import { accessRefusal } from '../http/access.ts'
import type { Routes } from '../http/routes.ts'
import { ref, strict, TenantParams, TextOrNull, time, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './search.examples.json' with { type: 'json' }

const KINDS: readonly FoundKind[] = [
  'tenant',
  'event_type',
  'api_key',
  'audit_entry',
  'endpoint',
  'event',
  'delivery',
  'replay',
]

const FoundSchema = Type.Object(
  {
    kind: Word(KINDS),
    tenant: TextOrNull({ description: 'The tenant that it belongs to. Null if it belongs to none.' }),
    id: Type.String({ examples: ['evt_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    key: Type.Optional(
      TextOrNull({
        description: "The publisher's own key of an event, or the caller's own of a replay. Null if there is none.",
      }),
    ),
    uid: Type.Optional(TextOrNull({ description: 'The uid of an endpoint. Null if it has none.' })),
    name: Type.Optional(
      TextOrNull({ description: 'The name of a tenant, an endpoint or an API key. Null if it has none.' }),
    ),
    url: Type.Optional(TextOrNull({ description: 'The URL of an endpoint. Null if it is a listener.' })),
    href: Type.String({
      description:
        'The path to get it with. For a deleted endpoint, its deliveries; for an event of a tenant that does not ' +
        "exist, that tenant's rejected events.",
      examples: ['/v1/tenants/acme/events/evt_01jy4k8v3xf0c8wq2rn5s7t9ab'],
    }),
  },
  { $id: 'Found' },
)
type FoundView = Static<typeof FoundSchema>

const FoundList = {
  ...Type.Object({
    data: Type.Array(ref(FoundSchema)),
    complete: Type.Boolean({
      description:
        'False if more than the 100 things in `data` were found, or if there was no time to search everything. ' +
        'Search within a tenant then.',
    }),
  }),
  description: 'What was found.',
}

const SearchQuery = strict({
  q: Type.String({
    minLength: 1,
    maxLength: 512,
    description:
      'An id of Posthorn, the key of an event, the uid or the name of an endpoint, also of a deleted one, the id of a ' +
      'tenant, the key of a replay, or the name of an event type, exactly as it is written.',
    examples: ['order-7', 'evt_01jy4k8v3xf0c8wq2rn5s7t9ab'],
  }),
})

const KEYS =
  'The key of an event is found for as long as it is remembered (`idempotencyDays`), and that of a rejected event for as ' +
  'long as the event is kept. After that, list events with `key`.'

type Needs = { readonly search: Public<Search> }

export const searchResource = resource({
  tag: 'Search',
  components: [FoundSchema],
  examples,
  add(routes, services: Needs) {
    addSearching(routes, services)
  },
})

function addSearching(routes: Routes, { search }: Needs): void {
  routes.get(
    '/v1/search',
    {
      access: 'read',
      operationId: 'search',
      summary: 'Find anything by its id, key, uid or name',
      description: `Searches all tenants. API keys and audit entries are found with keys that can list them. ${KEYS}`,
      querystring: SearchQuery,
      response: { 200: FoundList },
    },
    async ({ query: { q }, caller }) => {
      const includesOperators = accessRefusal(caller!, 'operator', undefined) === undefined
      return viewResult(await search.find(q, { tenant: null, includesOperators }))
    },
  )

  routes.get(
    '/v1/tenants/:tenant/search',
    {
      access: 'read',
      portal: 'look',
      operationId: 'searchTenant',
      summary: 'Find anything of a tenant by its id, key, uid or name',
      description: `Finds the tenant itself, event types, and what belongs to the tenant. ${KEYS}`,
      params: TenantParams,
      querystring: SearchQuery,
      response: { 200: FoundList },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query: { q } }) =>
      viewResult(await search.find(q, { tenant, includesOperators: false })),
  )
}

function viewResult({ found, isComplete }: SearchResult): { data: FoundView[]; complete: boolean } {
  return { data: found.map(viewFound), complete: isComplete }
}

function viewFound(found: Found): FoundView {
  const { isDeleted: _isDeleted, isOrphan: _isOrphan, ...shown } = found
  return { ...shown, href: pathOf(found) }
}

const withKey = (key: string | null | undefined): string =>
  key === null || key === undefined ? '' : `&key=${encodeURIComponent(key)}`

function pathOf({ kind, tenant, id, key, isDeleted, isOrphan }: Found): string {
  const one = encodeURIComponent(id)
  const ofTenant = `/v1/tenants/${encodeURIComponent(tenant ?? '')}`
  switch (kind) {
    case 'tenant':
      return ofTenant
    case 'event_type':
      return `/v1/event-types/${one}`
    case 'api_key':
      return `/v1/api-keys/${one}`
    case 'audit_entry':
      return `/v1/audit?from=${time(idMs(id))}&to=${time(idMs(id) + 1)}`
    case 'endpoint':
      return isDeleted === true ? `${ofTenant}/deliveries?endpoint=${one}` : `${ofTenant}/endpoints/${one}`
    case 'event':
      if (isOrphan === true) return `/v1/rejected-events?tenant=${encodeURIComponent(tenant ?? '')}${withKey(key)}`
      return `${ofTenant}/events/${one}`
    case 'delivery':
      return `${ofTenant}/deliveries/${one}`
    case 'replay':
      return tenant === null ? `/v1/replays/${one}` : `${ofTenant}/replays/${one}`
  }
}
