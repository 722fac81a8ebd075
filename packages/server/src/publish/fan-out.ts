/**
 * Plans the next deliveries of an event that is in the inbox. They are created over many commits. Which endpoints get
 * one depends on the tenant's version at which the event was accepted, so later changes only affect later events.
 */
import type { EndpointId, NotSent } from '../base/model.ts'
import { type Matchable, toMatchable, type Work } from '../catalogue/contents.ts'
import { Progress } from '../catalogue/filter/progress.ts'
import { decide } from '../catalogue/match.ts'
import type { TenantMatcher } from '../catalogue/tenant-memory.ts'
import type { NewDelivery } from '../store/operations/deliveries/new-deliveries.ts'
import type { PastSelection } from '../store/operations/endpoints/selections.ts'
import type { InboxItem } from '../store/operations/inbox/inbox.ts'
import type { Store } from '../store/store.ts'
import { newDelivery } from './new-deliveries.ts'
import { type Payloads, UNFINISHED } from './payloads.ts'
import { TURN_MS, type Turns } from './turns.ts'

export type ItemPlan = {
  readonly item: InboxItem
  readonly deliveries: readonly NewDelivery[]
  /** The last endpoint that was decided on. Null if there was none yet. */
  readonly after: EndpointId | null
  /** How many endpoints get no delivery, by reason, including those of earlier rounds. */
  readonly notSent: NotSent
  /** Whether there are more endpoints to decide on. */
  readonly isUnfinished: boolean
}

/** What is left of a tenant's allowance for one round. */
export type Room = {
  deliveries: number
  /** When it ends, by `Turns.workedMs`. */
  readonly untilMs: number
}

export type Planning = { readonly store: Store; readonly payloads: Payloads; readonly turns: Turns }

/** Steps between two looks at the time. */
const STEPS_A_LOOK = 2_000
const INDEXED_PAGE = 100
/** Endpoints in the first page that is read, and in any: as many more as their size allows. */
const READ_PAGE = { first: 32, most: 1_000, characters: 256 * 1024 }

type Page = {
  readonly endpoints: readonly Matchable[]
  readonly hasMore: boolean
}

/** Decides on endpoints in the order of their ids, after the item's last one, while there is room; reduces `room`. */
export async function planItem(
  item: InboxItem,
  configuration: TenantMatcher | null,
  planning: Planning,
  room: Room,
  nowMs: number,
): Promise<ItemPlan> {
  const { turns, payloads } = planning
  const deliveries: NewDelivery[] = []
  const notSent: NotSent = { ...item.notSent }
  const work: Work = { left: STEPS_A_LOOK }
  const plan = (isUnfinished: boolean): ItemPlan => ({ item, deliveries, after, notSent, isUnfinished })
  let { after } = item
  if (configuration === null) return plan(false)
  const nextPage = pagesOf(item, configuration, planning)
  for (;;) {
    const page = await nextPage(after)
    if (page === undefined) return plan(true)
    const past = await readPast(item, page.endpoints, planning)
    const hasFilter = ({ filter }: Pick<Matchable, 'filter'>) => filter !== null
    const isFiltered = page.endpoints.some(hasFilter) || past.values().some(hasFilter)
    const payload = isFiltered ? await payloads.get(item, turns, room.untilMs) : undefined
    if (payload === UNFINISHED) return plan(true)
    for (const endpoint of page.endpoints) {
      if (endpoint.createdVersion > item.tenantVersion) continue
      if (room.deliveries <= 0) return plan(true)
      if (work.left <= 0) {
        if (turns.workedMs >= room.untilMs) return plan(true)
        await turns.pauseAfter(TURN_MS)
        work.left = STEPS_A_LOOK
      }
      const isAsThen = endpoint.selectionVersion <= item.tenantVersion
      const selection = isAsThen ? endpoint : (past.get(endpoint.id) ?? endpoint)
      let reason = decide(selection, item.type, payload, work, null)
      for (const progress = new Progress(); reason === 'interrupted'; ) {
        await turns.pauseAfter(TURN_MS)
        reason = decide(selection, item.type, payload, work, progress)
      }
      after = endpoint.id
      if (reason !== undefined) notSent[reason] = (notSent[reason] ?? 0) + 1
      else {
        deliveries.push(newDelivery(endpoint, nowMs))
        room.deliveries--
      }
    }
    if (!page.hasMore) {
      payloads.drop(item.event)
      return plan(false)
    }
    after = page.endpoints.at(-1)!.id
  }
}

/** Reads pages of endpoints, from memory or the store. Undefined if the configuration has changed. */
function pagesOf(
  { tenant }: InboxItem,
  { version, index }: TenantMatcher,
  { store, turns }: Planning,
): (after: EndpointId | null) => Promise<Page | undefined> {
  if (index !== null) {
    return async after => {
      const from = index.indexAfter(after)
      const endpoints = index.endpoints.slice(from, from + INDEXED_PAGE)
      return { endpoints, hasMore: from + INDEXED_PAGE < index.endpoints.length }
    }
  }
  let limit = READ_PAGE.first
  return async after => {
    const page = { tenant, after, limit, maxCharacters: READ_PAGE.characters }
    const read = await turns.waitFor(store.read('readTenantConfiguration', page))
    if (read === null || read.version !== version) return undefined
    // The store reads a page's endpoints before it knows their size: no more than it is likely to return.
    const isFull = read.endpoints.length === limit
    limit = isFull ? Math.min(2 * limit, READ_PAGE.most) : Math.max(1, read.endpoints.length)
    return { endpoints: read.endpoints.map(toMatchable), hasMore: read.hasMore }
  }
}

const NO_PAST: ReadonlyMap<EndpointId, Pick<Matchable, 'wanted' | 'filter'>> = new Map()

/** What endpoints wanted at the item's version, for those that have wanted something else since. */
async function readPast(
  { tenant, tenantVersion: version }: InboxItem,
  endpoints: readonly Matchable[],
  { store, turns }: Planning,
): Promise<ReadonlyMap<EndpointId, Pick<Matchable, 'wanted' | 'filter'>>> {
  const changed = endpoints.filter(each => each.createdVersion <= version && each.selectionVersion > version)
  if (changed.length === 0) return NO_PAST
  const ids = [changed[0]!.id, changed.at(-1)!.id] as const
  const past = await turns.waitFor(store.read('readSelectionsAt', { tenant, version, ids }))
  const toSelection = ({ types, filterText }: PastSelection) => toMatchable({ types, filterText })
  return new Map([...past].map(([id, selection]) => [id, toSelection(selection)]))
}
