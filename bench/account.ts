/** Measures the processor time per event that each process spends during a run. */
import { familyMicros, processorMicros } from './processor-time.ts'

export type Accounted = {
  readonly name: string
  readonly pid: number
  /** Whether its child processes are included (PostgreSQL's backends). Default: false. */
  readonly withChildren?: boolean
}

export type Account = {
  /** Microseconds per event, by process name. */
  readonly micros: Readonly<Record<string, number>>
  readonly seconds: number
  readonly eventsPerSecond: number
}

/** Executes a run and returns what each process spent. Processor time has steps of 10 ms, so let a run take seconds. */
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
