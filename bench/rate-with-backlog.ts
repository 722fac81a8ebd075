/**
 * B7: the rate of B1 (batches of 100 to one busy receiver, on the embedded store) with millions of deliveries pending
 * in the store, which are for endpoints that are down and not yet due, divided by the rate with none. Runs alternate.
 * Also measures Posthorn's memory.
 */
import { type Account, account } from './account.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { type Memory, memoryOf, peakOf } from './memory.ts'
import { copyStore, PENDING_ENDPOINTS, PENDING_ROWS, pendingStore } from './pending.ts'
import type { BenchResult } from './result.ts'
import { BATCH_SIZE, BATCHES_IN_FLIGHT, deliverBatches, type Setting, startSetting } from './setting.ts'
import { summarise } from './statistics.ts'

const GOALS = { rate: 0.9, megabytes: 350 }

const FULL = { runs: 7, eventsPerRun: 40_000, warmUpEvents: 60_000 }
const SHORT = { runs: 5, eventsPerRun: 15_000, warmUpEvents: 30_000 }

export const rateWithBacklog: Bench = {
  id: 'B7',
  name: 'rate-with-backlog',
  summary: 'rate with 5,000,000 deliveries pending, divided by the rate with none; memory',
  isLargerBetter: true,
  run: runBench,
}

async function runBench({ short, profileFolder }: RunOptions, say: Say): Promise<BenchResult> {
  const { runs, eventsPerRun, warmUpEvents } = short ? SHORT : FULL
  const pending = short ? PENDING_ROWS.short : PENDING_ROWS.full
  const filled = await pendingStore(pending, say)
  const without = await startSetting()
  try {
    say(
      `${rateWithBacklog.id}: ${pending} pending for ${PENDING_ENDPOINTS} endpoints that are down; batches of ${BATCH_SIZE} to one other`,
    )
    const withBacklog = await startSetting({ profileFolder, prepare: data => copyStore(filled, data) })
    try {
      const settings = { without, withBacklog }
      for (const setting of Object.values(settings)) await deliverBatches(setting, warmUpEvents)
      say(`warm after ${warmUpEvents} events each; ${runs} alternating runs of ${eventsPerRun} events`)
      const accounts: Record<keyof typeof settings, Account[]> = { without: [], withBacklog: [] }
      for (let run = 1; run <= runs; run++) {
        // Each goes first in every other run, so that other load on the machine affects both equally.
        for (const name of run % 2 === 1
          ? (['without', 'withBacklog'] as const)
          : (['withBacklog', 'without'] as const)) {
          accounts[name].push(await runPosthorn(settings[name], eventsPerRun))
          say(`${run}  ${name.padEnd(8)}${accounts[name].at(-1)!.eventsPerSecond.toFixed(0).padStart(8)} events/s`)
        }
      }
      const memory = { without: memoryOf(without.posthorn.pid), withBacklog: memoryOf(withBacklog.posthorn.pid) }
      return conclude(accounts, memory, { runs, eventsPerRun, warmUpEvents, pending })
    } finally {
      await withBacklog.end()
    }
  } finally {
    await without.end()
  }
}

function runPosthorn(setting: Setting, events: number): Promise<Account> {
  return account([{ name: 'Posthorn', pid: setting.posthorn.pid }], events, () => deliverBatches(setting, events))
}

type Both<Value> = { readonly without: Value; readonly withBacklog: Value }

function conclude(
  accounts: Both<readonly Account[]>,
  memory: Both<Memory | undefined>,
  counts: Readonly<Record<string, number>>,
): BenchResult {
  const rates = (of: readonly Account[]) => summarise(of.map(({ eventsPerSecond }) => eventsPerSecond))
  const costs = (of: readonly Account[]) => summarise(of.map(({ micros }) => micros.Posthorn!))
  const [without, withBacklog] = [rates(accounts.without), rates(accounts.withBacklog)]
  const neighbours = summarise(
    accounts.withBacklog.map((each, at) => each.eventsPerSecond / accounts.without[at]!.eventsPerSecond),
  )
  const megabytes = memory.withBacklog?.peakMegabytes ?? Number.NaN
  return {
    id: rateWithBacklog.id,
    title: 'Rate with millions of deliveries pending, divided by the rate with none; memory',
    measures: [
      {
        name: 'rate ÷ rate with none pending',
        unit: '',
        value: neighbours.median,
        goal: GOALS.rate,
        bound: 'atLeast',
      },
      { name: 'peak resident memory', unit: 'MB', value: megabytes, goal: GOALS.megabytes, bound: 'atMost' },
    ],
    bars: [
      {
        name: 'Rate',
        unit: 'events/s',
        bars: [
          { name: 'none pending', summary: without },
          { name: 'many pending', summary: withBacklog },
        ],
      },
      {
        name: 'Ratio of paired runs',
        unit: '',
        bars: [{ name: 'many ÷ none', summary: neighbours }],
      },
    ],
    processes: [
      { name: 'none pending', micros: costs(accounts.without), ...peakOf(memory.without) },
      { name: 'many pending', micros: costs(accounts.withBacklog), ...peakOf(memory.withBacklog) },
    ],
    setup: {
      ...counts,
      endpointsDown: PENDING_ENDPOINTS,
      batchSize: BATCH_SIZE,
      batchesInFlight: BATCHES_IN_FLIGHT,
      residentMegabytesAtTheEnd: memory.withBacklog?.residentMegabytes ?? 'unknown on this system',
    },
    notes: [
      'The ratio is the median of the ratios of paired runs.',
      'Memory is the peak resident size of the process, including startup and warm-up (VmHWM).',
    ],
  }
}
