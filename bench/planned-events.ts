/** Publishes singly by a plan and sees when each event came, by the one monotonic clock of the machine. */
import type { Child } from './child.ts'
import { Latencies } from './latencies.ts'
import type { Posthorn } from './posthorn.ts'
import type { Setting } from './setting.ts'
import type { SinglePublishAnswer, SinglePublishCommand } from './single-publisher.ts'

export type Singles = Child<SinglePublishCommand, SinglePublishAnswer>

/** Until an event's first bytes were at the receiver. */
export type Seen = {
  /** From when the publisher had its answer. */
  readonly fromAccepted: Latencies
  /** From when the plan wanted the call to begin: the call and its commit are in it. */
  readonly fromPlanned: Latencies
}

export const createSeen = (): Seen => ({ fromAccepted: new Latencies(), fromPlanned: new Latencies() })

export type Plan = {
  readonly tenant: string
  /** Published in turn; each goes to one endpoint. */
  readonly types: readonly string[]
  readonly perSecond: number
  readonly seconds: number
}

/** Answers what was seen of these, and adds it to `all`. */
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
    if (atMs === undefined) throw new Error(`The receiver has not had the event ${id}.`)
    for (const { fromAccepted, fromPlanned } of [seen, all]) {
      fromAccepted.record(atMs - published.acceptedAtMs[index]!)
      fromPlanned.record(atMs - published.plannedAtMs[index]!)
    }
  }
  return seen
}
