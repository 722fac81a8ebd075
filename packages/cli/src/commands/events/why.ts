/** `posthorn events why`: what became of an event at each endpoint, and why. */
import type { Endpoint, EventDetail, EventEndpoint, Posthorn } from '@posthorn/client'
import type { ServerRun } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import { cut, plain, wrap } from '../../terminal/index.ts'
import { ownCommand, shellCommand, shellWord } from '../../terminal/shell.ts'
import { toneOfState } from '../deliveries/columns.ts'
import { counted } from '../values.ts'
import { findEvent } from './finding.ts'
import { type Reasoned, reasonOf } from './reasons.ts'

export type WhyFlags = { readonly endpoint?: string; readonly all?: boolean }

/** Endpoints that are shown if `--all` isn't given, and that are looked through for them. */
const MOST = 20
const MOST_READ = 5_000
/** The reasons for which the endpoint itself says more. */
const TOLD_BY_ENDPOINT: readonly (string | null)[] = ['type', 'filter', 'paused', 'rate_limit', 'disabled']
/** What a replay could still send, if the endpoint is there. */
const isRepeatable = ({ state, reason }: EventEndpoint): boolean =>
  state === 'exhausted' || (state === 'cancelled' && reason !== 'deleted') || reason === 'registered_later'
/** Nothing that could be asked about: each `posthorn listen` without a name leaves one behind. */
const isPast = ({ state, reason }: EventEndpoint): boolean => state === 'not_made' && reason === 'deleted'
const hasDelivery = ({ delivery }: EventEndpoint): boolean => delivery !== null

export async function explainEvent(
  run: ServerRun,
  tenant: string | null,
  reference: string,
  flags: WhyFlags,
): Promise<void> {
  const { out, posthorn } = run
  const found = await findEvent(run, tenant, reference)
  if (found.kind === 'rejected') {
    if (out.isJson) return out.json(found.event)
    await out.say(out.paint('strong', `${found.event.type} ${found.event.id}, published for ${found.event.tenant}`))
    return showRejection(run, found.event)
  }
  const event = await posthorn.events.get(found.tenant, found.id)
  const endpoints = await endpointsOf(run, event, flags)
  if (out.isJson) {
    for (const { about, reason } of endpoints.explained) {
      const { tenant: of, type, event: id, at } = about
      await out.json({
        tenant: of,
        event: id,
        key: event.key,
        type,
        ...at,
        explanation: reason.sentence,
        next: reason.next === null ? null : shellCommand(['posthorn', ...reason.next]),
      })
    }
    return
  }
  await show(run, event, endpoints)
}

type Explained = { readonly about: Reasoned; readonly reason: ReturnType<typeof reasonOf> }

type Endpoints = {
  readonly explained: readonly Explained[]
  /** Endpoints that were deleted before the event, and those left out beyond `MOST`. Null: more than were looked at. */
  readonly past: number
  readonly others: number | null
  /** Of all that were looked at, by state. */
  readonly counts: ReadonlyMap<EventEndpoint['state'], number>
}

/** Those with a delivery come first, then the newest: what is asked about is rarely what nothing was made for. */
async function endpointsOf(run: ServerRun, event: EventDetail, flags: WhyFlags): Promise<Endpoints> {
  const { posthorn, terminal } = run
  const { endpoint: wanted, all: showsAll = false } = flags
  const { read, isMore } = await readEndpoints(run, event, flags)
  if (wanted !== undefined && read.length === 0) {
    throw new Problem(`The tenant ${event.tenant} has no endpoint ${shellWord(wanted)}, and had none.`, EXIT.notFound)
  }
  const listed = wanted !== undefined || showsAll ? read : read.filter(at => !isPast(at))
  const sorted = [...listed.filter(hasDelivery), ...listed.filter(at => !hasDelivery(at))]
  const shown = showsAll ? sorted : sorted.slice(0, MOST)
  const explained: Explained[] = []
  for (const at of shown) {
    const about = await aboutOf(posthorn, event, at)
    explained.push({ about, reason: reasonOf(about, terminal.clock.now()) })
  }
  const counts = new Map([...Map.groupBy(sorted, ({ state }) => state)].map(([state, of]) => [state, of.length]))
  const others = isMore ? null : listed.length - shown.length
  return { explained, past: read.length - listed.length, others, counts }
}

/** Reads what became of the event at its endpoints, until enough with a delivery are found. */
async function readEndpoints({ posthorn }: ServerRun, event: EventDetail, { endpoint, all }: WhyFlags) {
  const isWanted = (at: EventEndpoint) =>
    endpoint === undefined || at.endpoint === endpoint || at.endpointUid === endpoint
  const read = event.endpoints.filter(isWanted)
  if (event.nextEndpoints === null) return { read, isMore: false }
  let count = event.endpoints.length
  const isEnough = () => {
    if (all === true) return false
    return endpoint === undefined ? count >= MOST_READ || read.filter(hasDelivery).length >= MOST : read.length > 0
  }
  if (isEnough()) return { read, isMore: true }
  const list = posthorn.events.listEndpoints(event.tenant, event.id, { cursor: event.nextEndpoints, limit: 1_000 })
  for await (const at of list) {
    count++
    if (!isWanted(at)) continue
    read.push(at)
    if (isEnough()) return { read, isMore: true }
  }
  return { read, isMore: false }
}

async function aboutOf(posthorn: Posthorn, event: EventDetail, at: EventEndpoint): Promise<Reasoned> {
  const isAsked = TOLD_BY_ENDPOINT.includes(at.reason) || isRepeatable(at)
  const found = isAsked ? await orGone(orNull(posthorn.endpoints.get(event.tenant, at.endpoint), [403, 422])) : null
  const isGone = found === 'gone'
  const endpoint = isGone ? null : found
  const filter = at.reason === 'filter' && endpoint !== null ? await tryFilter(posthorn, event, endpoint) : null
  return { tenant: event.tenant, event: event.id, type: event.type, at, endpoint, isGone, filter }
}

/** What the endpoint's present filter says of the event. Null if the key can't see payloads, or it has none any longer. */
async function tryFilter(
  posthorn: Posthorn,
  { tenant, id }: EventDetail,
  endpoint: Endpoint,
): Promise<Reasoned['filter']> {
  const { filter, types } = endpoint
  if (filter === null) return null
  const trial = (await orNull(posthorn.endpoints.tryFilter(tenant, { filter, types, events: [id] })))?.data[0]
  return trial === undefined ? null : { matches: trial.matches, because: trial.decidedBy.because }
}

/** What only adds to an explanation isn't worth failing for: it was deleted, or the key can't see it. */
async function orNull<Result>(call: Promise<Result>, statuses = [403, 404, 422]): Promise<Result | null> {
  try {
    return await call
  } catch (error) {
    if (statuses.includes((error as { status?: number }).status ?? 0)) return null
    throw error
  }
}

async function orGone<Result>(call: Promise<Result>): Promise<Result | 'gone'> {
  try {
    return await call
  } catch (error) {
    if ((error as { status?: number }).status === 404) return 'gone'
    throw error
  }
}

async function show(run: ServerRun, event: EventDetail, endpoints: Endpoints): Promise<void> {
  const { out, terminal } = run
  const { explained, past, others, counts } = endpoints
  const { tenant, id, type, key, createdAt, test, rejected } = event
  const name = key === null ? id : `${key} (${id})`
  await out.say(out.paint('strong', plain(`${type} ${name}`)))
  await out.say(`Published for ${tenant} ${out.show.time(createdAt)}${test ? ', as a test' : ''}.`)
  if (rejected !== null) return showRejection(run, event)
  const summary = [...counts].map(([state, count]) => `${count} ${state.replaceAll('_', ' ')}`).join(', ')
  if (explained.length === 0) {
    await out.say(
      `It went nowhere: ${tenant} has no endpoints. Register one: ${ownCommand(['endpoints', 'create', '--tenant', tenant], terminal.env)}`,
    )
    return
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  await out.say(`${others === null ? 'Of the first ' : ''}${counted(total, 'endpoint')}: ${summary}.`)
  const width = terminal.columns ?? Infinity
  for (const { about, reason } of explained) {
    const { at } = about
    const label = [at.endpointUid ?? at.endpoint, ...(at.endpointUrl === null ? [] : [at.endpointUrl])].join('  ')
    await out.say('')
    const tone = toneOfState(at.state)
    const state = at.state.replaceAll('_', ' ')
    const shown = width === Infinity ? plain(label) : cut(plain(label), width - state.length - 2)
    await out.say(`${tone === undefined ? state : out.paint(tone, state)}  ${shown}`)
    for (const line of wrap(plain(reason.sentence), width - 2)) await out.say(`  ${line}`)
    // On one line, however long: it is to be copied.
    if (reason.next !== null) await out.say(`  ${out.paint('accent', ownCommand(reason.next, terminal.env))}`)
  }
  const left = [
    ...(others === 0 ? [] : [others === null ? 'others' : counted(others, 'other')]),
    ...(past === 0 ? [] : [counted(past, 'endpoint that was deleted before', 'endpoints that were deleted before')]),
  ]
  if (left.length === 0) return
  await out.say('')
  out.note(`Not shown: ${left.join(', and ')}. --all shows all of them, --endpoint one.`)
}

async function showRejection({ out }: ServerRun, { rejected }: Pick<EventDetail, 'rejected'>): Promise<void> {
  await out.say('It was rejected, so it was sent to no endpoint:')
  for (const { field, detail } of rejected ?? []) await out.say(plain(`  ${field === '' ? 'event' : field}: ${detail}`))
  await out.say('Correct it, and publish it again.')
}
