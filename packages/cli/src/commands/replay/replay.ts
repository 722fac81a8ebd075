import type { CreatedReplay, CreateReplayResult, Replay, ReplayBatch } from '@posthorn/client'
import { type Command, Option } from 'commander'
import { addCommand, addNoun, listing, type ServerRun, withServer } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import { confirm } from '../../terminal/ask.ts'
import { type Column, NONE, type Terminal } from '../../terminal/index.ts'
import { ownCommand } from '../../terminal/shell.ts'
import { addScope, hintAtTenant, itemsOf, type ScopeFlags, scopeFlags, scopeOf } from '../scope.ts'
import { counted } from '../values.ts'
import { addSelection, flagsOf, readSelection, type Selection, type SelectionFlags, toBatch } from './selection.ts'
import { readReplay, type ShownReplay, waitFor } from './waiting.ts'

type StartFlags = SelectionFlags & { readonly dryRun?: boolean; readonly yes?: boolean; readonly wait?: boolean }

export function addReplay(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'replay', 'Send events again, and look after replays.')
  addStart(noun, terminal)
  addReading(noun, terminal)
  addMoves(noun, terminal)
}

function addStart(noun: Command, terminal: Terminal): void {
  const start = addCommand(
    noun,
    'start',
    'Send events again whose deliveries failed, or others.',
    [
      ['posthorn replay --since 06:00 --status 5xx --dry-run', 'How many failed for good this morning with a 5xx.'],
      ['posthorn replay --tenant acme --since 06:00 --status 5xx --wait', 'Send them again, and show how far it is.'],
      ['posthorn replay --tenant acme --event order-7 --endpoint orders', 'One event to one endpoint, by key and uid.'],
      ['posthorn replay --tenant acme --since yesterday --state delivered,exhausted --yes', 'Everything, unasked.'],
    ],
    { isDefault: true },
  )
  addSelection(addScope(start))
    .option('--dry-run', 'Only say how many there are. Without a tenant: in all of them.')
    .option('--yes', 'Do not ask.')
    .option('--wait', 'Show how far it is until all of it is sent.')
  withServer(start, terminal, async (run, flags: StartFlags) => {
    const selection = await readSelection(run, flags)
    if (selection.tenant === null && flags.dryRun !== true && flags.allTenants !== true) {
      throw new Problem('Choose the tenant with --tenant, or all of them with --all-tenants.', EXIT.usage)
    }
    // Before anything is sent: what was understood, with the zone of its times.
    if (selection.period.words !== null) run.out.note(`${capital(selection.words)}, ${whereOf(selection)}.`)
    await startReplay(run, selection, flags)
  })
}

const whereOf = ({ tenant }: Selection): string => (tenant === null ? 'in all tenants' : `of ${tenant}`)
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

type Count = { readonly deliveries: number | null; readonly tenants?: number | null }

async function startReplay(run: ServerRun, selection: Selection, flags: StartFlags): Promise<void> {
  const { out, terminal, posthorn, url } = run
  const { tenant } = selection
  const count = await countOf(run, selection)
  const shown =
    count.deliveries === null
      ? 'more deliveries than could be counted'
      : counted(count.deliveries, 'delivery', 'deliveries')
  const inTenants = count.tenants == null ? '' : ` in ${counted(count.tenants, 'tenant')}`
  if (flags.dryRun === true) {
    if (out.isJson) await out.json(count)
    else await out.say(`${shown}${inTenants} would be made. Nothing was sent.`)
    await hintAtPending(run, selection)
    if (!out.isJson && count.deliveries !== 0) {
      const command = ownCommand(['replay', ...scopeFlags(tenant), ...flagsOf(selection.body)], terminal.env)
      await out.say(`To send ${count.deliveries === 1 ? 'it' : 'them'}: ${command}`)
    }
    return
  }
  if (count.deliveries === 0) {
    if (out.isJson) await out.json({ id: null, ...count })
    else await out.say('There is nothing to send again.')
    return hintAtPending(run, selection)
  }
  await confirm(
    terminal,
    `Send ${shown}${inTenants} of ${tenant ?? 'all tenants'} at ${url} again?`,
    flags.yes ?? false,
  )
  const created =
    tenant === null
      ? ((await posthorn.replays.createBatch(await toBatch(run, selection))) as ReplayBatch)
      : ((await posthorn.replays.create(tenant, selection.body)) as CreatedReplay)
  if (!(out.isJson && flags.wait === true)) {
    if (out.isJson) await out.json(created)
    else await out.say(`The replay ${created.id} ${created.duplicate === true ? 'was started before' : 'is running'}.`)
  }
  if (flags.wait === true) return waitFor(run, tenant, created.id)
  await out.say(`How far it is: ${ownCommand(['replay', 'get', created.id, ...scopeFlags(tenant)], terminal.env)}`)
}

async function countOf(run: ServerRun, selection: Selection): Promise<Count> {
  const { posthorn } = run
  const { tenant, body } = selection
  if (tenant !== null) {
    return (await posthorn.replays.create(tenant, { ...body, dryRun: true })) as CreateReplayResult
  }
  try {
    return (await posthorn.replays.createBatch({ ...(await toBatch(run, selection)), dryRun: true })) as Count
  } catch (error) {
    throw hintAtTenant(error)
  }
}

/** What failed in the same way and will be retried by itself is in no replay: say so, lest it is looked for in vain. */
async function hintAtPending({ posthorn, out, terminal }: ServerRun, { tenant, body }: Selection): Promise<void> {
  if (body.event != null || body.statuses == null) return
  const query = {
    state: ['pending', 'held'],
    status: body.statuses,
    type: body.types ?? undefined,
    endpoint: body.endpoint ?? undefined,
    from: body.from ?? undefined,
    to: body.to ?? undefined,
    counts: true,
    limit: 1,
  } as const
  const { counts } = await (tenant === null
    ? posthorn.deliveries.listAll(query)
    : posthorn.deliveries.list(tenant, query))
  const pending = counts?.pending ?? null
  const held = counts?.held ?? null
  const own = (...words: readonly string[]) => ownCommand(words, terminal.env)
  if (pending !== 0) {
    const many = pending === null ? 'More than 10,000 others' : counted(pending, 'other')
    const flags = flagsOf({ ...body, states: ['pending'] as never, missing: false })
    out.note(
      `${many} that failed like this ${pending === 1 ? 'is' : 'are'} still pending, and will be retried without a replay. ` +
        `To retry ${pending === 1 ? 'it' : 'them'} now: ${own('deliveries', 'retry', ...scopeFlags(tenant), ...flags)}`,
    )
  }
  if (held !== 0) {
    const many = held === null ? 'More than 10,000 others' : counted(held, 'other')
    const list = own('endpoints', 'list', ...scopeFlags(tenant), '--state', 'disabled')
    out.note(`${many} that failed like this ${held === 1 ? 'is' : 'are'} held, because of a disabled endpoint: ${list}`)
  }
}

// Replays that exist

const COLUMNS: readonly Column<ShownReplay>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'STATE', text: ({ state }) => state, tone: ({ state }) => (state === 'done' ? 'good' : undefined) },
  { title: 'MADE', text: ({ made, deliveries }) => `${made} of ${deliveries ?? '?'}`, align: 'right' },
  { title: 'ENDED', text: ({ ended }) => String(ended), align: 'right' },
  { title: 'SKIPPED', text: ({ skipped }) => String(skipped), align: 'right', extra: 3 },
  { title: 'KEY', text: ({ key }) => key ?? NONE, canBeCut: true, extra: 2 },
  { title: 'CREATED', text: ({ createdAt }, { time }) => time(createdAt), extra: 1 },
]

const tenantOf = (replay: ShownReplay): string => ('tenant' in replay ? replay.tenant : 'all')

const FIELDS: readonly Column<ShownReplay>[] = [
  COLUMNS[0]!,
  { title: 'TENANT', text: tenantOf },
  ...COLUMNS.slice(1),
  { title: 'STATES', text: ({ states }) => states.join(', ') || NONE },
  { title: 'STATUSES', text: ({ statuses }) => statuses?.join(', ') ?? NONE },
  { title: 'MISSING', text: ({ missing }) => (missing ? 'yes' : 'no') },
  { title: 'TYPES', text: ({ types }) => types?.join(', ') ?? 'all' },
  { title: 'FROM', text: ({ from }, { time }) => time(from) },
  { title: 'TO', text: ({ to }, { time }) => time(to) },
]

function addReading(noun: Command, terminal: Terminal): void {
  const list = addCommand(noun, 'list', 'List replays, newest first.', [
    ['posthorn replay list --tenant acme', 'Those of a tenant.'],
    ['posthorn replay list --all-tenants', 'Those of each tenant.'],
  ])
  addScope(listing(list)).addOption(
    new Option('--state <state>', 'In this state.').choices(['running', 'paused', 'done', 'cancelled']),
  )
  withServer(list, terminal, async (run, flags: ScopeFlags & { readonly state?: Replay['state'] }) => {
    const tenant = scopeOf(run, flags)
    const query = { state: flags.state, limit: run.pageSize }
    const replays = tenant === null ? run.posthorn.replays.listAll(query) : run.posthorn.replays.list(tenant, query)
    const columns = tenant === null ? [COLUMNS[0]!, { title: 'TENANT', text: tenantOf }, ...COLUMNS.slice(1)] : COLUMNS
    await run.out.list(itemsOf(replays, tenant, run.out), columns, { none: 'There are no replays.', limit: run.limit })
  })

  const get = addCommand(noun, 'get <replay>', 'Show a replay, and how far it is.', [
    ['posthorn replay get rpl_01jy4k8v3xf0c8wq2rn5s7t9ab --tenant acme --wait', 'Until all of it is sent.'],
  ]).alias('show')
  addScope(get).option('--wait', 'Show how far it is until all of it is sent.')
  withServer(get, terminal, async (run, flags: ScopeFlags & { readonly wait?: boolean }, name: string) => {
    const tenant = isBatch(name) ? null : scopeOf(run, flags)
    if (flags.wait === true) return waitFor(run, tenant, name)
    await run.out.item<ShownReplay>(await readReplay(run, tenant, name), FIELDS)
  })
}

/** Replays across tenants are known by their ids. */
const isBatch = (name: string): boolean => name.startsWith('rpb_')

const MOVES = {
  pause: ['Pause a replay: no more deliveries are created.', 'is paused'],
  resume: ['Resume a paused replay.', 'is running again'],
  cancel: ['Cancel a replay, with its deliveries that are pending or held.', 'is cancelled'],
} as const

function addMoves(noun: Command, terminal: Terminal): void {
  for (const move of ['pause', 'resume', 'cancel'] as const) {
    const [description, outcome] = MOVES[move]
    const command = addCommand(noun, `${move} <replay>`, description, [
      [
        `posthorn replay ${move} rpl_01jy4k8v3xf0c8wq2rn5s7t9ab --tenant acme${move === 'cancel' ? ' --yes' : ''}`,
        'By its id or key.',
      ],
    ])
    if (move === 'cancel') command.option('--yes', 'Do not ask.')
    addScope(command)
    withServer(command, terminal, async (run, flags: ScopeFlags & { readonly yes?: boolean }, name: string) => {
      const { posthorn, out, url } = run
      const tenant = isBatch(name) ? null : scopeOf(run, flags)
      if (move === 'cancel')
        await confirm(terminal, `Cancel the replay ${name} at ${url}? It cannot be resumed.`, flags.yes ?? false)
      const replay =
        tenant === null ? await posthorn.replays[`${move}Batch`](name) : await posthorn.replays[move](tenant, name)
      if (out.isJson) await out.json(replay)
      else await out.say(`The replay ${replay.id} ${outcome}.`)
    })
  }
}
