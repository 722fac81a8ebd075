/** What `posthorn replay` sends again, and how it says so. */
import type { CreateReplayBatchBody, CreateReplayBody } from '@posthorn/client'
import type { Command } from 'commander'
import type { ServerRun } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import { addPeriod, type Period, type PeriodFlags, readPeriod } from '../../times/period.ts'
import { findEvent } from '../events/finding.ts'
import { type ScopeFlags, scopeOf } from '../scope.ts'
import { listed, several } from '../values.ts'

export type SelectionFlags = PeriodFlags &
  ScopeFlags & {
    readonly tenant?: string
    readonly status?: readonly string[]
    readonly state?: readonly string[]
    readonly type?: readonly string[]
    readonly endpoint?: string
    readonly event?: string
    readonly missing?: boolean
    readonly key?: string
  }

export type Selection = {
  /** Null: all tenants. */
  readonly tenant: string | null
  /** For the call of one tenant. */
  readonly body: CreateReplayBody
  readonly period: Period
  /** `events published since …, whose delivery is exhausted, with a last status of 5xx`. */
  readonly words: string
}

export function addSelection(command: Command): Command {
  command
    .option(
      '--status <status>',
      'Only what got this status at its last attempt: 503, 5xx, none (no response).',
      several,
    )
    .option('--state <state>', 'Only with this outcome: exhausted, delivered, cancelled. Default: exhausted.', several)
    .option('--type <type>', 'Only events of these types.', several)
    .option('--endpoint <endpoint>', 'Only to this endpoint, by id or uid.')
    .option('--event <event>', 'Only this event, by id or key.')
    .option('--missing', 'Also what the endpoint never got, as it came later or did not want it, and would get now.')
    .option('--key <key>', 'Your own name for the replay: repeated with it, the command starts nothing twice.')
  return addPeriod(command, 'published')
}

/** Throws Problem. */
export async function readSelection(run: ServerRun, flags: SelectionFlags): Promise<Selection> {
  const period = readPeriod(flags, run.terminal)
  const asked = scopeOf(run, flags)
  const { status: statuses, type: types, endpoint, missing, key } = flags
  const found = flags.event === undefined ? null : await findEvent(run, asked, flags.event)
  if (found?.kind === 'rejected') {
    throw new Problem(
      'The event was rejected, so there is nothing to send. Correct it, and publish it again.',
      EXIT.refused,
    )
  }
  const tenant = found === null ? asked : found.tenant
  const event = found?.id
  // The API checks the words, and names the nearest.
  const states = flags.state as CreateReplayBody['states']
  const body = { key, endpoint, event, types, states, statuses, missing, from: period.from, to: period.to }
  if (tenant === null && endpoint !== undefined) {
    throw new Problem('An endpoint belongs to one tenant: use --tenant, or set POSTHORN_TENANT.', EXIT.usage)
  }
  return { tenant, body, period, words: describe(body, period) }
}

function describe({ event, types, states, statuses, missing, endpoint }: CreateReplayBody, { words }: Period): string {
  const what = event == null ? 'events' : `the event ${event}`
  const outcomes = states ?? (event != null && missing !== true ? [] : ['exhausted'])
  const parts = [
    `${what}${words === null ? '' : ` published ${words}`}`,
    ...(types == null ? [] : [`of type ${listed(types, 'or')}`]),
    ...(endpoint == null ? [] : [`at the endpoint ${endpoint}`]),
    ...(outcomes.length === 0 ? [] : [`whose delivery is ${listed(outcomes, 'or')}`]),
    ...(statuses == null ? [] : [`and got ${listed(statuses, 'or')} at its last attempt`]),
    ...(missing === true ? ['or was never made'] : []),
  ]
  return parts.join(', ').replaceAll(', and', ' and').replaceAll(', or was', ' or was')
}

/** The call for all tenants, which must name types and a period. */
export async function toBatch({ posthorn, terminal }: ServerRun, { body }: Selection): Promise<CreateReplayBatchBody> {
  const { key, states, statuses, missing, from, to } = body
  if (from == null)
    throw new Problem('Say since when, for all tenants: --since 06:00, or choose one with --tenant.', EXIT.usage)
  const types: string[] = [...(body.types ?? [])]
  if (types.length === 0)
    for await (const { name, operational } of posthorn.eventTypes.list({ limit: 1_000 }))
      if (!operational) types.push(name)
  return { key, types, states, statuses, missing, from, to: to ?? new Date(terminal.clock.now()) }
}

/** Flags that select the same, with the times as they were understood. */
export function flagsOf({ from, to, statuses, states, types, endpoint, event, missing }: CreateReplayBody): string[] {
  const time = (value: Date | string) => (typeof value === 'string' ? value : value.toISOString())
  return [
    ...(from == null ? [] : ['--since', time(from)]),
    ...(to == null ? [] : ['--until', time(to)]),
    ...(statuses == null ? [] : ['--status', statuses.join(',')]),
    ...(states == null ? [] : ['--state', states.join(',')]),
    ...(types == null ? [] : ['--type', types.join(',')]),
    ...(endpoint == null ? [] : ['--endpoint', endpoint]),
    ...(event == null ? [] : ['--event', event]),
    ...(missing === true ? ['--missing'] : []),
  ]
}
