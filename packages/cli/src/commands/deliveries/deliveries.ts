import type { Delivery } from '@posthorn/client'
import type { Command } from 'commander'
import { addCommand, addNoun, listing, type ServerRun, withServer, withTenant } from '../../command.ts'
import { confirm } from '../../terminal/ask.ts'
import { plain, type Terminal } from '../../terminal/index.ts'
import { ownCommand } from '../../terminal/shell.ts'
import { addScope, itemsOf, type ScopeFlags, scopeOf } from '../scope.ts'
import { counted } from '../values.ts'
import { ATTEMPT_COLUMNS, columnsFor, FIELDS } from './columns.ts'
import { addFilters, type FilterFlags, readFilters } from './filters.ts'
import { addRetry } from './retry.ts'

export function addDeliveries(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'deliveries', 'Find deliveries, follow them, retry and cancel them.')
  addList(noun, terminal)
  addCount(noun, terminal)
  addGet(noun, terminal)
  addRetry(noun, terminal)
  addCancel(noun, terminal)
}

type ListFlags = FilterFlags & ScopeFlags & { readonly follow?: boolean; readonly after?: string }

function addList(noun: Command, terminal: Terminal): void {
  const list = addCommand(
    noun,
    'list',
    'List deliveries, newest first, or follow them as they change.',
    [
      ['posthorn deliveries --since 06:00 --status 5xx', 'What failed this morning with a status of 5xx.'],
      ['posthorn deliveries --follow --tenant acme', 'What happens at acme, as it happens.'],
      ['posthorn deliveries list --tenant acme --key order-7', 'Where an event went.'],
      ["posthorn deliveries --state exhausted --all --json | jq -r '.id'", 'The ids of all that failed for good.'],
    ],
    { isDefault: true },
  )
  addFilters(addScope(listing(list)))
    .option('--follow', 'Show each change of a delivery as it happens, until Ctrl-C.')
    .option('--after <position>', 'With --follow: continue behind this position, within two minutes.')
  withServer(list, terminal, async (run, flags: ListFlags) => {
    const tenant = scopeOf(run, flags)
    if (flags.follow === true || flags.after !== undefined) {
      const { follow } = await import('./follow.ts')
      return follow(run, flags, tenant)
    }
    const { query, period } = readFilters(flags, terminal)
    if (period.words !== null) run.out.note(`Deliveries created ${period.words}.`)
    const none = 'There are no such deliveries.'
    const page = { ...query, limit: run.pageSize }
    const deliveries =
      tenant === null ? run.posthorn.deliveries.listAll(page) : run.posthorn.deliveries.list(tenant, page)
    await run.out.list(itemsOf(deliveries, tenant, run.out), columnsFor(tenant), { none, limit: run.limit })
  })
}

function addCount(noun: Command, terminal: Terminal): void {
  const count = addCommand(noun, 'count', 'Count deliveries, by state.', [
    ['posthorn deliveries count --tenant acme --since yesterday', 'Those of yesterday and today.'],
  ])
  addFilters(addScope(count))
  withServer(count, terminal, async (run, flags: FilterFlags & ScopeFlags) => {
    const tenant = scopeOf(run, flags)
    const { query, period } = readFilters(flags, terminal)
    if (period.words !== null) run.out.note(`Deliveries created ${period.words}.`)
    const asked = { ...query, counts: true, limit: 1 }
    const { deliveries } = run.posthorn
    const { counts, warnings } = await (tenant === null ? deliveries.listAll(asked) : deliveries.list(tenant, asked))
    for (const { detail } of warnings) run.out.note(`Warning: ${detail}`)
    const states = ['total', 'pending', 'held', 'delivered', 'exhausted', 'cancelled'] as const
    const isTooMany = states.some(state => counts?.[state] === null)
    await run.out.item(
      counts!,
      states.map(state => ({
        title: state.toUpperCase(),
        text: each => each[state]?.toLocaleString('en') ?? 'unknown',
      })),
    )
    if (isTooMany) run.out.note('Unknown: more than 10,000, or not counted within two seconds. Narrow the period.')
  })
}

function addGet(noun: Command, terminal: Terminal): void {
  const get = addCommand(noun, 'get <delivery>', 'Show a delivery.', [
    ['posthorn deliveries get dlv_01jy4k8v3xf0c8wq2rn5s7t9ab --tenant acme', 'Its state, its event and its endpoint.'],
  ]).alias('show')
  withTenant(get, terminal, async ({ posthorn, out, tenant }, _flags: object, id: string) => {
    const { attempts, ...delivery } = await posthorn.deliveries.get(tenant, id)
    if (out.isJson) return out.json({ ...delivery, attempts })
    await out.item<Delivery>(delivery, FIELDS)
    if (attempts.length === 0) return
    await out.say(`\nIts attempts: ${ownCommand(['deliveries', 'attempts', id, '--tenant', tenant], terminal.env)}`)
  })

  const attempts = addCommand(noun, 'attempts <delivery>', 'List the attempts of a delivery, with why they failed.', [
    [
      'posthorn deliveries attempts dlv_01jy4k8v3xf0c8wq2rn5s7t9ab --tenant acme',
      'When, how long, and what came back.',
    ],
    ['posthorn deliveries attempts dlv_01jy4k8v3xf0c8wq2rn5s7t9ab --response', 'With what the receiver responded.'],
  ]).option('--response', 'Also show the headers and the body of each response.')
  withTenant(attempts, terminal, async (run, { response = false }: { response?: boolean }, id: string) => {
    const { out, posthorn, tenant } = run
    const delivery = await posthorn.deliveries.get(tenant, id)
    await out.list(iterate(delivery.attempts), ATTEMPT_COLUMNS, { none: 'No attempt was made yet.' })
    if (response && !out.isJson) for (const attempt of delivery.attempts) await showResponse(run, attempt)
  })
}

async function showResponse({ out }: ServerRun, attempt: import('@posthorn/client').Attempt): Promise<void> {
  const { number, status, responseHeaders, responseBody, responseTruncated, responseHidden, responseRemoved } = attempt
  await out.say('')
  await out.say(out.paint('strong', `Response ${number}: ${status ?? 'none'}`))
  if (responseHidden) return out.say('The API key cannot see responses.')
  if (responseRemoved) return out.say('It is no longer kept.')
  for (const [name, value] of responseHeaders) await out.say(plain(`${name}: ${value}`))
  if (responseBody !== '') await out.say(responseBody.split('\n').map(plain).join('\n'))
  if (responseTruncated) await out.say('… (only this part is kept)')
}

async function* iterate<Item>(items: readonly Item[]): AsyncGenerator<Item, void> {
  yield* items
}

function addCancel(noun: Command, terminal: Terminal): void {
  const cancel = addCommand(noun, 'cancel <delivery...>', 'Cancel deliveries that are pending or held.', [
    ['posthorn deliveries cancel dlv_01jy4k8v3xf0c8wq2rn5s7t9ab --tenant acme --yes', 'Without being asked.'],
  ]).option('--yes', 'Do not ask.')
  withTenant(cancel, terminal, async (run, { yes = false }: { yes?: boolean }, ids: string[]) => {
    await confirm(
      terminal,
      `Cancel ${counted(ids.length, 'delivery', 'deliveries')} of ${run.tenant} at ${run.url}?`,
      yes,
    )
    for (const id of ids) {
      const delivery = await run.posthorn.deliveries.cancel(run.tenant, id)
      if (run.out.isJson) await run.out.json(delivery)
      else await run.out.say(`The delivery ${id} is cancelled.`)
    }
  })
}
