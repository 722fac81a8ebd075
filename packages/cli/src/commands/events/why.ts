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

/** Endpoints that are shown if `--all` isn't given. */
const MOST = 20
/** The reasons for which the endpoint itself says more. */
const TOLD_BY_ENDPOINT: readonly (string | null)[] = ['type', 'filter', 'paused', 'rate_limit', 'disabled']

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
    for (const { about, reason } of endpoints) {
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

async function endpointsOf(
  { posthorn, terminal }: ServerRun,
  event: EventDetail,
  flags: WhyFlags,
): Promise<Explained[]> {
  const wanted = flags.endpoint
  const isWanted = (at: EventEndpoint) => wanted === undefined || at.endpoint === wanted || at.endpointUid === wanted
  const all = event.endpoints.filter(isWanted)
  const isMore = event.nextEndpoints !== null && (wanted === undefined ? flags.all === true : all.length === 0)
  if (isMore) {
    const list = posthorn.events.listEndpoints(event.tenant, event.id, { cursor: event.nextEndpoints!, limit: 1_000 })
    for await (const at of list) if (isWanted(at)) all.push(at)
  }
  if (wanted !== undefined && all.length === 0) {
    throw new Problem(`The tenant ${event.tenant} has no endpoint ${shellWord(wanted)}, and had none.`, EXIT.notFound)
  }
  const shown = all.slice(0, flags.all === true ? Infinity : MOST)
  const explained: Explained[] = []
  for (const at of shown) {
    const about = await aboutOf(posthorn, event, at)
    explained.push({ about, reason: reasonOf(about, terminal.clock.now()) })
  }
  return explained
}

async function aboutOf(posthorn: Posthorn, event: EventDetail, at: EventEndpoint): Promise<Reasoned> {
  const endpoint = TOLD_BY_ENDPOINT.includes(at.reason)
    ? await orNull(posthorn.endpoints.get(event.tenant, at.endpoint))
    : null
  const filter = at.reason === 'filter' && endpoint !== null ? await tryFilter(posthorn, event, endpoint) : null
  return { tenant: event.tenant, event: event.id, type: event.type, at, endpoint, filter }
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
async function orNull<Result>(call: Promise<Result>): Promise<Result | null> {
  try {
    return await call
  } catch (error) {
    const { status } = error as { status?: unknown }
    if (status === 403 || status === 404 || status === 422) return null
    throw error
  }
}

async function show(run: ServerRun, event: EventDetail, explained: readonly Explained[]): Promise<void> {
  const { out, terminal } = run
  const { tenant, id, type, key, createdAt, test, rejected } = event
  const name = key === null ? id : `${key} (${id})`
  await out.say(out.paint('strong', plain(`${type} ${name}`)))
  await out.say(`Published for ${tenant} ${out.show.time(createdAt)}${test ? ', as a test' : ''}.`)
  if (rejected !== null) return showRejection(run, event)
  const counts = Map.groupBy(event.endpoints, ({ state }) => state)
  const summary = [...counts].map(([state, of]) => `${of.length} ${state.replaceAll('_', ' ')}`).join(', ')
  if (event.endpoints.length === 0) {
    await out.say(
      `It went nowhere: ${tenant} has no endpoints. Register one: ${ownCommand(['endpoints', 'create', '--tenant', tenant], terminal.env)}`,
    )
    return
  }
  await out.say(`${counted(event.endpoints.length, 'endpoint')}: ${summary}.`)
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
  const others = event.endpoints.length - explained.length
  if (explained.length === MOST && (others > 0 || event.nextEndpoints !== null)) {
    await out.say('')
    out.note(`Only the newest ${MOST} endpoints are shown: --all shows all of them, --endpoint one.`)
  }
}

async function showRejection({ out }: ServerRun, { rejected }: Pick<EventDetail, 'rejected'>): Promise<void> {
  await out.say('It was rejected, so it was sent to no endpoint:')
  for (const { field, detail } of rejected ?? []) await out.say(plain(`  ${field === '' ? 'event' : field}: ${detail}`))
  await out.say('Correct it, and publish it again.')
}
