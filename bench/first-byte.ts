/**
 * B5: time from the publisher's response until the event's first bytes reach the receiver, at a tenth of the peak rate.
 * The peak is measured first, as in B1: batches, as fast as they are accepted.
 */
import { Child } from './child.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { EVENT_TYPE } from './events.ts'
import { formatLatency, LATENCY_HEAD } from './latencies.ts'
import { createSeen, publishPlanned, type Seen, type Singles } from './planned-events.ts'
import type { BenchResult } from './result.ts'
import { allStored, type Setting, startSetting, TENANT } from './setting.ts'
import { type Summary, summarise } from './statistics.ts'

const GOAL_MS = { p50: 5, p99: 20 }
const PART_OF_PEAK = 0.1
const BATCH_SIZE = 100
const BATCHES_IN_FLIGHT = 4

const FULL = { runs: 7, secondsPerRun: 15, peakRuns: 5, peakEvents: 30_000, warmUpEvents: 60_000 }
const SHORT = { runs: 5, secondsPerRun: 5, peakRuns: 3, peakEvents: 15_000, warmUpEvents: 30_000 }
/** Single events take a different path through the code than batches. */
const SINGLES_WARM_UP_SECONDS = 5

const FROM_ACCEPTED = 'accepted → first byte'
const FROM_PLANNED = 'planned → first byte'

export const firstByte: Bench = {
  id: 'B5',
  name: 'first-byte',
  summary: 'time from accepting an event to its first byte at the receiver, at a tenth of the peak rate',
  run: runBench,
}

async function runBench({ short, profileFolder }: RunOptions, say: Say): Promise<BenchResult> {
  const { runs, secondsPerRun, peakRuns, peakEvents, warmUpEvents } = short ? SHORT : FULL
  const setting = await startSetting({ profileFolder })
  const single: Singles = new Child('single-publisher.ts')
  try {
    say(`${firstByte.id}: one endpoint; warming up with ${warmUpEvents} events`)
    await publishBatches(setting, warmUpEvents)
    const peaks: number[] = []
    for (let run = 1; run <= peakRuns; run++) {
      const startedAtMs = performance.now()
      await publishBatches(setting, peakEvents)
      peaks.push((peakEvents * 1_000) / (performance.now() - startedAtMs))
    }
    const peak = summarise(peaks)
    const perSecond = Math.round(peak.median * PART_OF_PEAK)
    say(`peak ${peak.median.toFixed(0)} events/s in batches of ${BATCH_SIZE}; now single events, ${perSecond} a second`)
    const measure = async (seconds: number, all: Seen) => {
      const plan = { tenant: TENANT, types: [EVENT_TYPE], perSecond, seconds }
      const seen = await publishPlanned(setting, single, setting.posthorn, plan, all)
      await allStored(setting.posthorn)
      return seen
    }
    await measure(SINGLES_WARM_UP_SECONDS, createSeen())
    say(`run  ${LATENCY_HEAD}`)
    const [all, p50s, p99s] = [createSeen(), [] as number[], [] as number[]]
    for (let run = 1; run <= runs; run++) {
      const { fromAccepted } = await measure(secondsPerRun, all)
      p50s.push(fromAccepted.quantile(50))
      p99s.push(fromAccepted.quantile(99))
      say(`${String(run).padStart(3)}  ${formatLatency(fromAccepted.summary(FROM_ACCEPTED))}`)
    }
    const found = { all, p50: summarise(p50s), p99: summarise(p99s), peak }
    const result = conclude(found, { runs, secondsPerRun, perSecond, peakEvents, warmUpEvents })
    for (const latency of result.latencies!) say(`all  ${formatLatency(latency)}`)
    return result
  } finally {
    await single.end()
    await setting.end()
  }
}

type Found = { readonly all: Seen; readonly p50: Summary; readonly p99: Summary; readonly peak: Summary }

function conclude({ all, p50, p99, peak }: Found, counts: BenchResult['setup']): BenchResult {
  const latencies = [all.fromAccepted.summary(FROM_ACCEPTED), all.fromPlanned.summary(FROM_PLANNED)]
  const [accepted] = latencies
  return {
    id: firstByte.id,
    title: 'Time from accepting an event to its first byte at the receiver, single events at a tenth of the peak rate',
    measures: [
      { name: 'p50', unit: 'ms', value: accepted!.p50, goal: GOAL_MS.p50, bound: 'atMost' },
      { name: 'p99', unit: 'ms', value: accepted!.p99, goal: GOAL_MS.p99, bound: 'atMost' },
    ],
    bars: [
      {
        name: 'Latency of the runs',
        unit: 'ms',
        bars: [
          { name: 'p50', summary: p50 },
          { name: 'p99', summary: p99 },
        ],
      },
      { name: 'Peak rate', unit: 'events/s', bars: [{ name: 'batches', summary: peak }] },
    ],
    latencies,
    setup: { ...counts, batchSize: BATCH_SIZE, batchesInFlight: BATCHES_IN_FLIGHT },
    notes: [
      'Both ends read the same monotonic clock. If the event arrives before the publisher has read its response, the latency counts as zero.',
      `“${FROM_PLANNED}” counts from the time at which the call was scheduled to begin, so it includes the API call and its commit.`,
    ],
  }
}

async function publishBatches({ posthorn, publisher, receives }: Setting, events: number): Promise<void> {
  const { url, apiKey } = posthorn
  const target = { url, apiKey, tenant: TENANT }
  await publisher.ask({ ...target, batches: events / BATCH_SIZE, batchSize: BATCH_SIZE, inFlight: BATCHES_IN_FLIGHT })
  await receives(events)
  await allStored(posthorn)
}
