/** Publishes single events on a schedule and records when each arrives, by the machine's monotonic clock. */
import type { Child } from './child.ts'
import { Latencies } from './latencies.ts'
import type { Posthorn } from './posthorn.ts'
import type { Setting } from './setting.ts'
import type { SinglePublishAnswer, SinglePublishCommand } from './single-publisher.ts'

export type Singles = Child<SinglePublishCommand, SinglePublishAnswer>

/** Latencies until an event's first bytes reach the receiver. */
export type Seen = {
  /** Since the publisher had its response. */
  readonly fromAccepted: Latencies
  /** Since the call was scheduled to begin: includes the call and its commit. */
  readonly fromPlanned: Latencies
}

export const createSeen = (): Seen => ({ fromAccepted: new Latencies(), fromPlanned: new Latencies() })

export type Plan = {
  readonly tenant: string
  /** Event types to publish in rotation; each goes to one endpoint. */
  readonly types: readonly string[]
  readonly perSecond: number
  readonly seconds: number
}

/** Returns the latencies of these events and also adds them to `all`. */
export async function publishPlanned(
  { stamps, receives }: Pick<Setting, 'stamps' | 'receives'>,
  single: Singles,
  { url, apiKey }: Posthorn,
  { tenant, types, perSecond, seconds }: Plan,
  all: Seen,
): Promise<Seen> {
  await stamps()
  const events = perSecond * seconds
  const published = await single.ask({ kind: 'plan', url, apiKey, tenant, types, events, perSecond })
  await receives(events)
  const arrivedAtMs = await stamps()
  const seen = createSeen()
  for (const [index, id] of published.ids.entries()) {
    const atMs = arrivedAtMs.get(id)
    if (atMs === undefined) throw new Error(`The receiver did not get the event ${id}.`)
    for (const { fromAccepted, fromPlanned } of [seen, all]) {
      fromAccepted.record(atMs - published.acceptedAtMs[index]!)
      fromPlanned.record(atMs - published.plannedAtMs[index]!)
    }
  }
  return seen
}
