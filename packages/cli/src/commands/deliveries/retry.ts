import type { PosthornError, Retries, RetryMatchingDeliveriesQuery } from '@posthorn/client'
import type { Command } from 'commander'
import { addCommand, type ServerRun, withServer } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import { confirm } from '../../terminal/ask.ts'
import type { Terminal } from '../../terminal/index.ts'
import { addScope, hintAtTenant, type ScopeFlags, scopeOf } from '../scope.ts'
import { counted } from '../values.ts'
import { addFilters, type FilterFlags, readFilters } from './filters.ts'

type Flags = FilterFlags & ScopeFlags & { readonly yes?: boolean; readonly dryRun?: boolean }
type Sum = Pick<Retries, 'madeDue' | 'created' | 'superseded'> & { refused: Retries['refused'] }

/** The most that a call takes. */
const LIMIT = 500

export function addRetry(noun: Command, terminal: Terminal): void {
  const retry = addCommand(
    noun,
    'retry [delivery...]',
    'Retry deliveries now, by their ids or by what they have in common.',
    [
      ['posthorn deliveries retry dlv_01jy4k8v3xf0c8wq2rn5s7t9ab --tenant acme', 'One of them.'],
      ['posthorn deliveries retry --tenant acme --state pending --status 5xx --dry-run', 'How many wait after a 5xx.'],
      [
        'posthorn deliveries retry --tenant acme --state exhausted --since 06:00 --yes',
        'All that failed this morning.',
      ],
    ],
  )
  addFilters(addScope(retry))
    .option('--dry-run', 'Only say how many there are.')
    .option('--yes', 'Do not ask.')
    .addHelpText(
      'after',
      '\nA pending or set-aside delivery gets its next attempt now. For one that has ended, a new delivery of the same' +
        '\nevent is created, unless there is a newer one. For very many, use posthorn replay.\n',
    )
  withServer(retry, terminal, async (run, flags: Flags, ids: string[] = []) => {
    const tenant = scopeOf(run, flags)
    const { query, period } = readFilters(flags, terminal)
    if (ids.length > 0 && Object.values(query).some(value => value !== undefined)) {
      throw new Problem('Give either ids of deliveries or filters, not both.', EXIT.usage)
    }
    if (ids.length > 0) return retryThese(run, tenant, ids)
    if (period.words !== null) run.out.note(`Deliveries created ${period.words}.`)
    await retryMatching(run, tenant, query as RetryMatchingDeliveriesQuery, flags)
  })
}

async function retryThese({ posthorn, out }: ServerRun, tenant: string | null, ids: readonly string[]): Promise<void> {
  if (tenant === null) {
    throw new Problem('Deliveries are found by id within a tenant: use --tenant, or set POSTHORN_TENANT.', EXIT.usage)
  }
  for (const id of ids) {
    const delivery = await posthorn.deliveries.retry(tenant, id)
    if (out.isJson) await out.json(delivery)
    else if (delivery.id === id) await out.say(`The delivery ${id} gets its next attempt now.`)
    else await out.say(`The new delivery ${delivery.id} repeats ${id}.`)
  }
}

async function retryMatching(
  run: ServerRun,
  tenant: string | null,
  query: RetryMatchingDeliveriesQuery,
  { yes = false, dryRun = false }: Flags,
): Promise<void> {
  const { out, terminal, url } = run
  const where = tenant === null ? 'all tenants' : tenant
  const planned = await walk(run, tenant, { ...query, dryRun: true })
  const count = planned.madeDue + planned.created
  if (dryRun || count === 0) return tell(run, planned, 'would be')
  await confirm(terminal, `Retry ${counted(count, 'delivery', 'deliveries')} of ${where} at ${url} now?`, yes)
  const done = await walk(run, tenant, query, sum => {
    if (!out.isJson && count > LIMIT) out.note(`${sum.madeDue + sum.created} of ${count} …`)
  })
  await tell(run, done, 'were')
}

/** All pages of a selection, added up. */
async function walk(
  { posthorn }: ServerRun,
  tenant: string | null,
  query: RetryMatchingDeliveriesQuery,
  onPage: (sum: Sum) => void = () => {},
): Promise<Sum> {
  const sum = { madeDue: 0, created: 0, superseded: 0, refused: [] as Retries['refused'] }
  let cursor: string | undefined
  do {
    const asked = { ...query, limit: LIMIT, cursor }
    let page: Retries
    try {
      page =
        tenant === null
          ? await posthorn.deliveries.retryAllMatching(asked)
          : await posthorn.deliveries.retryMatching(tenant, {}, asked)
    } catch (error) {
      throw tenant === null ? hintAtTenant(error as PosthornError) : error
    }
    sum.madeDue += page.madeDue
    sum.created += page.created
    sum.superseded += page.superseded
    sum.refused.push(...page.refused)
    onPage(sum)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return sum
}

async function tell({ out }: ServerRun, sum: Sum, verb: 'were' | 'would be'): Promise<void> {
  if (out.isJson) return out.json(sum)
  const { madeDue, created, superseded, refused } = sum
  const one = (count: number) => (verb === 'were' && count === 1 ? 'was' : verb)
  await out.say(`${counted(madeDue, 'pending delivery', 'pending deliveries')} ${one(madeDue)} retried now.`)
  await out.say(`${counted(created, 'new delivery', 'new deliveries')} ${one(created)} created.`)
  if (superseded > 0) {
    await out.say(
      `${counted(superseded, 'delivery', 'deliveries')} left alone: there is a newer one of the same event.`,
    )
  }
  for (const { tenant, delivery, detail } of refused) await out.say(`${tenant} ${delivery}: ${detail}`)
}
