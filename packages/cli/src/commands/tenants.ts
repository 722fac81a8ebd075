import type { Erasure, PutTenantBody, Tenant, TenantPortalMay } from '@posthorn/client'
import type { Command } from 'commander'
import { addCommand, addNoun, listing, wholeNumber, withServer } from '../command.ts'
import { confirm } from '../terminal/ask.ts'
import { type Column, NONE, type Terminal } from '../terminal/index.ts'
import { label } from './values.ts'

const COLUMNS: readonly Column<Tenant>[] = [
  { title: 'ID', text: ({ id }) => id, tone: () => 'strong' },
  { title: 'NAME', text: ({ name }) => name ?? NONE, canBeCut: true },
  { title: 'METADATA', text: ({ metadata }) => formatMetadata(metadata), canBeCut: true, extra: 2 },
  { title: 'CREATED', text: ({ createdAt }, { time }) => time(createdAt), extra: 1 },
]

const formatMetadata = (metadata: Readonly<Record<string, string>>): string => {
  const labels = Object.entries(metadata).map(([name, value]) => `${name}=${value}`)
  return labels.length === 0 ? NONE : labels.join(' ')
}

export function addTenants(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'tenants', 'List, create, delete and erase tenants.')

  const list = addCommand(noun, 'list', 'List tenants, sorted by id.', [
    ['posthorn tenants list --text acme', 'Those with acme in their id or name.'],
    ["posthorn tenants list --all --json | jq -r '.id'", 'The ids of all of them, one a line.'],
  ])
  listing(list).option('--text <text>', 'Only those with this text in their id or name.')
  withServer(list, terminal, async ({ posthorn, out, limit, pageSize }, { text }: { text?: string }) => {
    const tenants = posthorn.tenants.list({ text, limit: pageSize })
    await out.list(tenants, COLUMNS, { none: 'There are no tenants.', limit })
  })

  const get = addCommand(noun, 'get <tenant>', 'Show a tenant.', [
    ['posthorn tenants get acme', 'Its name and labels.'],
  ])
  withServer(get, terminal, async ({ posthorn, out }, _options, id: string) => {
    await out.item(await posthorn.tenants.get(id), COLUMNS)
  })

  addPut(noun, terminal)

  const remove = addCommand(
    noun,
    'delete <tenant>',
    'Delete a tenant with its endpoints, and cancel their pending deliveries.',
    [['posthorn tenants delete acme --yes', 'Without being asked.']],
  ).option('--yes', 'Do not ask.')
  withServer(remove, terminal, async ({ posthorn, out, url }, { yes = false }: Sure, id: string) => {
    await confirm(terminal, `Delete the tenant ${id} at ${url}, with its endpoints?`, yes)
    await posthorn.tenants.delete(id)
    await out.say(`The tenant ${id} is deleted.`)
  })

  addErase(noun, terminal)
}

type Sure = { readonly yes?: boolean }

type PutFlags = {
  readonly name?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly portalMay?: readonly TenantPortalMay[]
  readonly retentionDays?: number
  readonly payloadRetentionDays?: number
  readonly answerRetentionDays?: number
}

function addPut(noun: Command, terminal: Terminal): void {
  const put = addCommand(noun, 'put <tenant>', 'Create a tenant, or replace all that is known about it.', [
    ["posthorn tenants put acme --name 'Acme Ltd' --metadata plan=gold --metadata region=eu", 'With two labels.'],
    ['posthorn tenants put acme', 'Only the id: an existing name and labels are removed.'],
  ])
    .option('--name <name>', 'The name.')
    .option('--metadata <label=value>', 'A label of your own. Can be repeated.', label)
    .option('--portal-may <permissions...>', 'What links to its portal allow. Default: the setting portalMay.')
    .option('--retention-days <days>', 'How long events are kept. Default: the setting.', wholeNumber)
    .option('--payload-retention-days <days>', 'How long payloads are kept. Default: the setting.', wholeNumber)
    .option('--answer-retention-days <days>', 'How long responses are kept. Default: the setting.', wholeNumber)
  withServer(put, terminal, async ({ posthorn, out }, flags: PutFlags, id: string) => {
    const { name, metadata, portalMay } = flags
    await out.item(
      await posthorn.tenants.put(id, { name, metadata, portalMay, retention: retentionOf(flags) }),
      COLUMNS,
    )
  })
}

function retentionOf({
  retentionDays,
  payloadRetentionDays,
  answerRetentionDays,
}: PutFlags): PutTenantBody['retention'] {
  const isGiven = [retentionDays, payloadRetentionDays, answerRetentionDays].some(each => each !== undefined)
  return isGiven
    ? { days: retentionDays, payloadDays: payloadRetentionDays, answerDays: answerRetentionDays }
    : undefined
}

const ERASURE: readonly Column<Erasure>[] = [
  { title: 'TENANT', text: ({ tenant }) => tenant, tone: () => 'strong' },
  { title: 'STATE', text: ({ state }) => state, tone: ({ state }) => (state === 'finished' ? 'good' : 'doubtful') },
  { title: 'ROWS REMOVED', text: ({ rowsRemoved }) => String(rowsRemoved) },
  { title: 'REQUESTED', text: ({ requestedAt }, { time }) => time(requestedAt) },
  { title: 'FINISHED', text: ({ finishedAt }, { time }) => time(finishedAt) },
]

function addErase(noun: Command, terminal: Terminal): void {
  const erase = addCommand(
    noun,
    'erase <tenant>',
    'Erase a tenant and everything stored about it, in the background.',
    [['posthorn tenants erase acme --yes', 'Without being asked. This cannot be undone.']],
  ).option('--yes', 'Do not ask.')
  withServer(erase, terminal, async ({ posthorn, out, url }, { yes = false }: Sure, id: string) => {
    const question = `Erase the tenant ${id} at ${url}, with its events, payloads and history? This cannot be undone.`
    await confirm(terminal, question, yes)
    await out.item(await posthorn.tenants.erase(id), ERASURE)
  })

  const erasure = addCommand(noun, 'erasure <tenant>', "Show the progress of a tenant's erasure.", [
    ['posthorn tenants erasure acme', 'How many rows are removed so far, and whether it has finished.'],
  ])
  withServer(erasure, terminal, async ({ posthorn, out }, _options, id: string) => {
    await out.item(await posthorn.tenants.getErasure(id), ERASURE)
  })
}
