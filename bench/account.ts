/** Processor time of the processes of one run, an event. */
import { familyMicros, processorMicros } from './processor-time.ts'

export type Accounted = {
  readonly name: string
  readonly pid: number
  /** Its children count too (PostgreSQL's processes). Default: no. */
  readonly withChildren?: boolean
}

export type Account = {
  /** Microseconds an event, by name. */
  readonly micros: Readonly<Record<string, number>>
  readonly seconds: number
  readonly eventsPerSecond: number
}

/** Runs it and tells what each process took. The account's finest step is 10 ms: let a run take seconds. */
export async function account(
  processes: readonly Accounted[],
  events: number,
  run: () => Promise<unknown>,
): Promise<Account> {
  const look = () => processes.map(({ pid, withChildren }) => (withChildren ? familyMicros(pid) : processorMicros(pid)))
  const before = look()
  const startedAtMs = performance.now()
  await run()
  const seconds = (performance.now() - startedAtMs) / 1_000
  const spent = look().map((micros, index) => (micros - before[index]!) / events)
  return {
    micros: Object.fromEntries(processes.map(({ name }, index) => [name, spent[index]!])),
    seconds,
    eventsPerSecond: events / seconds,
  }
}
