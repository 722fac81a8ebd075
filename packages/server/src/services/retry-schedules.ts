import { formatCount } from '../base/counts.ts'
import type { FieldError } from '../base/errors.ts'
import {
  type EndpointReference,
  type EventType,
  isOperational,
  type RetrySchedule,
  type TenantId,
} from '../base/model.ts'
import { retryWaitMs, scheduleInForce } from '../catalogue/retry-schedule.ts'
import { unknownType } from '../catalogue/unknown-type.ts'
import type { Store } from '../store/store.ts'
import { invalid } from './checks/refusals.ts'
import { requireEndpoint } from './endpoints/references.ts'

const MAX_RETRIES = 30
const LONGEST_RETRY_SECONDS = 604_800
/** Shorter in development mode, so that a whole schedule can be observed. */
const leastRetrySeconds = (dev: boolean): number => (dev ? 0.01 : 1)

export type RetryTime = {
  /** 2 for the first retry. */
  readonly attempt: number
  readonly waitSeconds: number
  /** Seconds after the end of the first attempt, assuming that the attempts themselves take no time. */
  readonly earliestSeconds: number
  readonly latestSeconds: number
}

export type SchedulePreview = {
  readonly schedule: RetrySchedule
  /** Where the schedule comes from: the call itself, the endpoint, the event type, or the operator's settings. */
  readonly source: 'given' | 'endpoint' | 'type' | 'setting'
  readonly retries: readonly RetryTime[]
}

/** C12: checks a schedule. An empty one is allowed: one attempt and no retries. */
export function checkSchedule(
  schedule: unknown,
  dev: boolean,
  faults: FieldError[],
  field = '/schedule',
): RetrySchedule | null {
  if (schedule === null) return null
  if (!Array.isArray(schedule) || schedule.length > MAX_RETRIES) {
    faults.push({ field, detail: `The schedule must be a list of at most ${MAX_RETRIES} numbers of seconds.` })
    return null
  }
  const least = leastRetrySeconds(dev)
  for (const [index, seconds] of schedule.entries()) {
    if (typeof seconds === 'number' && seconds >= least && seconds <= LONGEST_RETRY_SECONDS) continue
    const detail = `The value must be a number of seconds from ${least} to ${formatCount(LONGEST_RETRY_SECONDS)}.`
    faults.push({ field: `${field}/${index}`, detail })
  }
  return schedule
}

/** Settings, with their own names. */
export type RetryScheduleSettings = {
  readonly retrySchedule: RetrySchedule
  readonly dev: boolean
}

/** Previews of retry schedules: which one applies, and when its attempts are due (C12). */
export class RetrySchedules {
  readonly #store: Store
  readonly #settings: RetryScheduleSettings
  readonly #types: () => Promise<readonly EventType[]>

  /** @param types the catalogue's event types */
  constructor(store: Store, settings: RetryScheduleSettings, types: () => Promise<readonly EventType[]>) {
    this.#store = store
    this.#settings = settings
    this.#types = types
  }

  /** Previews the given schedule or, without one, that of a type's deliveries to endpoints without their own. */
  async preview(input: { schedule?: readonly number[] | null; type?: string }): Promise<SchedulePreview> {
    const faults: FieldError[] = []
    const given = checkSchedule(input.schedule ?? null, this.#settings.dev, faults, 'schedule')
    const ofType = input.type === undefined ? null : await this.#ofType(input.type, faults)
    if (faults.length > 0) throw invalid(faults)
    return given === null ? this.#inForce(null, ofType) : toPreview(given, 'given')
  }

  /** The schedule of an endpoint's deliveries of a type; without a type, of types without a schedule of their own. */
  async ofEndpoint(tenant: TenantId, reference: EndpointReference, type?: string): Promise<SchedulePreview> {
    const endpoint = await requireEndpoint(this.#store, tenant, reference)
    const faults: FieldError[] = []
    const ofType = type === undefined ? null : await this.#ofType(type, faults)
    if (faults.length > 0) throw invalid(faults)
    return this.#inForce(endpoint.schedule, ofType)
  }

  #inForce(ofEndpoint: RetrySchedule | null, ofType: RetrySchedule | null): SchedulePreview {
    const schedule = scheduleInForce(ofEndpoint, ofType, this.#settings.retrySchedule)
    return toPreview(schedule, schedule === ofEndpoint ? 'endpoint' : schedule === ofType ? 'type' : 'setting')
  }

  async #ofType(name: string, faults: FieldError[]): Promise<RetrySchedule | null> {
    const types = await this.#types()
    const type = types.find(each => each.name === name)
    if (type === undefined && !isOperational(name)) {
      faults.push({
        field: 'type',
        ...unknownType(
          name,
          types.map(each => each.name),
        ),
      })
    }
    return type?.schedule ?? null
  }
}

function toPreview(schedule: RetrySchedule, source: SchedulePreview['source']): SchedulePreview {
  let sum = 0
  const retries = schedule.map((waitSeconds, index) => {
    sum += waitSeconds
    return {
      attempt: index + 2,
      waitSeconds,
      earliestSeconds: toSeconds(retryWaitMs(sum, 0)),
      latestSeconds: toSeconds(retryWaitMs(sum, 1)),
    }
  })
  return { schedule, source, retries }
}

/** Rounds to whole milliseconds, because sums of binary fractions look odd. */
const toSeconds = (ms: number): number => Math.round(ms) / 1_000
