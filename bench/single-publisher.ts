/**
 * A process that publishes one event per call: as fast as they are accepted, or on a fixed schedule however long each
 * call takes.
 */
import { answerCommands } from './child.ts'
import { makePayload } from './events.ts'
import { monotonicMs } from './monotonic.ts'
import { post, publishingHeaders } from './posting.ts'
import { type Client, openClient } from './undici.ts'

type Target = {
  readonly url: string
  readonly apiKey: string
  readonly tenant: string
  /** Event types to publish in rotation. */
  readonly types: readonly string[]
}

export type SinglePublishCommand =
  /** A number of callers, each with its own connection, making one call after another. */
  | (Target & { readonly kind: 'callers'; readonly events: number; readonly callers: number })
  /** The same with calls without a body, to a server that responds 202. */
  | { readonly kind: 'empty'; readonly url: string; readonly requests: number; readonly callers: number }
  /** At a steady rate; the result contains the times. */
  | (Target & { readonly kind: 'plan'; readonly events: number; readonly perSecond: number })

/** Times by `monotonicMs`, for each event in the order of the schedule. Empty except for `plan`. */
export type SinglePublishAnswer = {
  readonly ids: readonly string[]
  readonly plannedAtMs: readonly number[]
  /** When the publisher had its response. */
  readonly acceptedAtMs: readonly number[]
}

const NO_BODY = Buffer.alloc(0)
const NOTHING: SinglePublishAnswer = { ids: [], plannedAtMs: [], acceptedAtMs: [] }
/** Delay before the first scheduled call, so that it isn't already late. */
const HEAD_START_MS = 20

/** Keep-alive connections, by server URL. */
const clientsOf = new Map<string, Client[]>()
let serial = 0

answerCommands(async (command: SinglePublishCommand): Promise<SinglePublishAnswer> => {
  if (command.kind === 'plan') return publishByPlan(command)
  const { url, callers } = command
  const clients = clientsAt(url)
  while (clients.length < callers) clients.push(openClient(url))
  let left = command.kind === 'empty' ? command.requests : command.events
  const send = command.kind === 'empty' ? sendEmpty : createSender(command)
  const keepSending = async (client: Client) => {
    while (left-- > 0) await send(client)
  }
  await Promise.all(clients.slice(0, callers).map(keepSending))
  return NOTHING
})

function clientsAt(url: string): Client[] {
  const clients = clientsOf.get(url) ?? []
  clientsOf.set(url, clients)
  return clients
}

const sendEmpty = (client: Client) => post(client, { path: '/', headers: [], body: NO_BODY, status: 202 })

function createSender({ apiKey, tenant, types }: Target): (client: Client) => Promise<string> {
  const [path, headers] = [`/v1/tenants/${tenant}/events`, publishingHeaders(apiKey)]
  return client => {
    const type = types[serial % types.length]!
    const body = Buffer.from(`{"type":"${type}","payload":${makePayload(serial++)}}`)
    return post(client, { path, headers, body, status: 202 })
  }
}

/** A call that finds no free connection opens another, so that it never waits. */
async function publishByPlan(command: Extract<SinglePublishCommand, { kind: 'plan' }>): Promise<SinglePublishAnswer> {
  const { url, events, perSecond } = command
  const free = clientsAt(url)
  const send = createSender(command)
  const firstAtMs = monotonicMs() + HEAD_START_MS
  const plannedAtMs = Array.from({ length: events }, (_, index) => firstAtMs + (index * 1_000) / perSecond)
  const acceptedAtMs: number[] = new Array(events).fill(0)
  const answers: string[] = new Array(events).fill('')
  const publish = async (index: number) => {
    const client = free.pop() ?? openClient(url)
    answers[index] = await send(client)
    acceptedAtMs[index] = monotonicMs()
    free.push(client)
  }
  const underWay: Promise<void>[] = []
  while (underWay.length < events) {
    while (underWay.length < events && plannedAtMs[underWay.length]! <= monotonicMs()) {
      underWay.push(publish(underWay.length))
    }
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  await Promise.all(underWay)
  return { ids: answers.map(text => (JSON.parse(text) as { id: string }).id), plannedAtMs, acceptedAtMs }
}
