/** Which deliveries a command is about: the parameters of the API's list, by the API's own words. */
import type { Delivery, ListDeliveriesQuery } from '@posthorn/client'
import type { Command } from 'commander'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import type { Terminal } from '../../terminal/index.ts'
import { addPeriod, type Period, type PeriodFlags, readPeriod } from '../../times/period.ts'
import { several } from '../values.ts'

export type FilterFlags = PeriodFlags & {
  readonly state?: readonly string[]
  readonly heldReason?: string
  readonly status?: readonly string[]
  readonly error?: readonly string[]
  readonly type?: readonly string[]
  readonly endpoint?: readonly string[]
  readonly event?: string
  readonly key?: string
  readonly filter?: string
  readonly text?: string
}

export function addFilters(command: Command): Command {
  command
    .option('--state <state>', 'In one of these states: pending, held, delivered, exhausted, cancelled.', several)
    .option('--held-reason <reason>', 'Held for this reason: disabled or set_aside.')
    .option('--status <status>', 'With this status at the last attempt: 503, 5xx, or none (no response).', several)
    .option('--error <error>', 'With this error at the last attempt, such as connect_timeout.', several)
    .option('--type <type>', 'Of these event types.', several)
    .option('--endpoint <endpoint>', 'To these endpoints, by id or uid.', several)
    .option('--event <event>', 'Of the event with this id.')
    .option('--key <key>', 'Of the event with this key.')
    .option('--filter <json>', 'Of events whose payload satisfies this filter, as endpoints have them.')
    .option('--text <text>', 'Of events with this text in their payload.')
  return addPeriod(command, 'created')
}

/** The query, and the period in words on standard error before it is used. */
export function readFilters(flags: FilterFlags, terminal: Terminal): { query: ListDeliveriesQuery; period: Period } {
  const period = readPeriod(flags, terminal)
  const { state, heldReason, status, error, type, endpoint, event, key, filter, text } = flags
  // The API checks the words, and names the nearest.
  const query = { state, heldReason, status, error, type, endpoint, event, key, filter, text } as ListDeliveriesQuery
  return { query: { ...query, from: period.from, to: period.to }, period }
}

type Followed = Pick<FilterFlags, 'state' | 'heldReason' | 'status' | 'error' | 'event' | 'key'>

const STATES: readonly string[] = ['pending', 'held', 'delivered', 'exhausted', 'cancelled']

/**
 * Decides about deliveries of a stream what the API decides about those of a list, by what the stream can't select.
 * Throws Problem for what can't be selected there, and for values that no delivery has.
 */
export function createMatch({ filter, text, ...flags }: FilterFlags): (delivery: Delivery) => boolean {
  if (filter !== undefined || text !== undefined) {
    throw new Problem('--filter and --text search what is stored. Leave them out with --follow.', EXIT.usage)
  }
  const { state, heldReason, status, error, event, key }: Followed = flags
  const wrong = state?.find(each => !STATES.includes(each))
  if (wrong !== undefined) throw new Problem(`--state ${wrong}: it must be one of ${STATES.join(', ')}.`, EXIT.usage)
  const tests = status?.map(statusTest)
  return delivery =>
    (state?.includes(delivery.state) ?? true) &&
    (heldReason === undefined || delivery.heldReason === heldReason) &&
    (error === undefined || error.includes(delivery.lastAttempt?.error ?? '')) &&
    (event === undefined || delivery.event === event) &&
    (key === undefined || delivery.key === key) &&
    (tests === undefined || (delivery.lastAttempt !== null && tests.some(test => test(delivery.lastAttempt!.status))))
}

function statusTest(text: string): (status: number | null) => boolean {
  if (text === 'none') return status => status === null
  if (/^[2-9]\d\d$/.test(text)) return status => status === Number(text)
  const hundreds = /^([2-9])xx$/i.exec(text)?.[1]
  if (hundreds !== undefined) return status => status !== null && Math.floor(status / 100) === Number(hundreds)
  throw new Problem(`--status ${text}: it must be a status such as 503, a class such as 5xx, or none.`, EXIT.usage)
}
