/** How the rows of a search for deliveries are read: along which indexes, or as a whole. */

import { firstIdAt, idBytes, idMs } from '../../../base/ids.ts'
import type { DeliveryId, EventId, TenantId } from '../../../base/model.ts'
import { int, type Transaction } from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
import { type DeliveryFilter, type SearchedEndpoint, statesIn, type Table } from './filter.ts'

/** Up to this many pending deliveries of an endpoint are read as a whole. */
const FEW_PENDING = 1_000
/** The clock of the node that creates a delivery can be a little behind that of the event's node. */
const SLACK_MS = 60_000

export type DeliverySearch = DeliveryFilter &
  Place<DeliveryId> & {
    /** Null: of any tenant; endpoints or events are given then. */
    readonly tenant: TenantId | null
  }

/** Some rows of a table. */
export type Line = {
  readonly table: Table
  /** Whether an index has them in order of id. Otherwise they are few enough to be read as a whole. */
  readonly isInOrder: boolean
  /** What to select from, with the row called `d`. Adds the conditions that choose the index. */
  readonly source: (where: Where) => string
  /** Adds what else the search says about the endpoint and the tenant of a row. */
  readonly addRest: (where: Where) => void
}

export function* linesOf(search: DeliverySearch): Transaction<Line[]> {
  const tables = (['live_delivery', 'delivery'] as const).filter(table => statesIn(table, search).length > 0)
  const { events, endpoints, tenant } = search
  if (events !== null) return tables.map(table => lineOfEvents(table, events, search))
  const lines: Line[] = []
  for (const table of tables) {
    if (endpoints === null) lines.push(lineOfTenant(table, tenant!))
    else if (table === 'live_delivery') lines.push(...(yield* liveLines(endpoints, search)))
    else lines.push(...endpoints.map(historyLine))
  }
  return lines
}

const nothing = (): void => {}

const lineOfTenant = (table: Table, tenant: TenantId, addRest: Line['addRest'] = nothing): Line => ({
  table,
  isInOrder: true,
  source(where) {
    where.add('d.tenant = ?', tenant)
    return `${table} d`
  },
  addRest,
})

const historyLine = ({ id }: SearchedEndpoint): Line => ({
  table: 'delivery',
  isInOrder: true,
  source(where) {
    where.add('d.endpoint = ?', idBytes(id))
    return 'delivery d'
  },
  addRest: nothing,
})

/** Apart from the rest, so that no engine can prefer an index that has the events of others in between. */
function lineOfEvents(table: Table, events: readonly EventId[], { endpoints, tenant }: DeliverySearch): Line {
  // No delivery is older than its event, so tables of earlier days need not be searched.
  const first = firstIdAt('dlv', Math.min(...events.map(idMs)) - SLACK_MS)
  return {
    table,
    isInOrder: false,
    source(where) {
      const own = new Where(where.params).addIn('d.event', events.map(idBytes)).add('d.id >= ?', idBytes(first))
      if (endpoints !== null) own.addIn('d.endpoint', bytesOf(endpoints))
      return `(with w as materialized (select * from ${table} d where ${own.text}) select * from w) d`
    },
    addRest: where => where.addIf('d.tenant = ?', tenant),
  }
}

const bytesOf = (endpoints: readonly SearchedEndpoint[]) => endpoints.map(({ id }) => idBytes(id))

/** Held deliveries of an endpoint are in order in their index. Pending ones are there in the order of their due times. */
function* liveLines(endpoints: readonly SearchedEndpoint[], search: DeliverySearch): Transaction<Line[]> {
  const states = statesIn('live_delivery', search)
  const lines: Line[] = []
  const busy: SearchedEndpoint[] = []
  for (const endpoint of endpoints) {
    if (states.includes('held')) lines.push(liveLine(endpoint, 'held'))
    if (!states.includes('pending')) continue
    if (yield* hasFewPending(endpoint)) lines.push(liveLine(endpoint, 'pending'))
    else busy.push(endpoint)
  }
  for (const [tenant, own] of Map.groupBy(busy, endpoint => endpoint.tenant)) {
    const addRest = (where: Where) => void where.add('d.state = ?', 'pending').addIn('d.endpoint', bytesOf(own))
    lines.push(lineOfTenant('live_delivery', tenant, addRest))
  }
  return lines
}

const liveLine = ({ id, partition }: SearchedEndpoint, state: 'pending' | 'held'): Line => ({
  table: 'live_delivery',
  isInOrder: state === 'held',
  source(where) {
    where.add('d.partition = ?', partition).add('d.endpoint = ?', idBytes(id))
    // Word for word the condition of the index.
    where.conditions.push(`d.state = '${state}'`)
    return 'live_delivery d'
  },
  addRest: nothing,
})

function* hasFewPending({ id, partition }: SearchedEndpoint): Transaction<boolean> {
  const counted = yield {
    text: `select count(*) as n from (
             select 1 from live_delivery where partition = $1 and endpoint = $2 and state = 'pending'
             limit ${FEW_PENDING + 1}) d`,
    params: [partition, idBytes(id)],
  }
  return int(counted[0]!.n) <= FEW_PENDING
}
