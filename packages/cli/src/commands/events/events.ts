import type { Event } from '@posthorn/client'
import type { Command } from 'commander'
import { addCommand, addNoun, listing, withServer } from '../../command.ts'
import { confirm } from '../../terminal/ask.ts'
import { type Column, NONE, type Terminal } from '../../terminal/index.ts'
import { ownCommand } from '../../terminal/shell.ts'
import { addPeriod, type PeriodFlags, readPeriod } from '../../times/period.ts'
import { addScope, itemsOf, type ScopeFlags, scopeOf } from '../scope.ts'
import { counted, several } from '../values.ts'
import { findEvent } from './finding.ts'
import type { WhyFlags } from './why.ts'

const ID: Column<Event> = { title: 'ID', text: ({ id }) => id }
const TENANT: Column<Event> = { title: 'TENANT', text: ({ tenant }) => tenant }
const REST: readonly Column<Event>[] = [
  { title: 'TYPE', text: ({ type }) => type, canBeCut: true },
  { title: 'KEY', text: ({ key }) => key ?? NONE, canBeCut: true, extra: 2 },
  {
    title: 'NOTE',
    text: ({ rejected, test }) => (rejected !== null ? 'rejected' : test ? 'test' : NONE),
    tone: ({ rejected }) => (rejected === null ? undefined : 'bad'),
    extra: 3,
  },
  { title: 'CREATED', text: ({ createdAt }, { time }) => time(createdAt), extra: 1 },
]

const FIELDS: readonly Column<Event>[] = [
  ID,
  TENANT,
  ...REST,
  {
    title: 'PAYLOAD',
    text: ({ payload, payloadHidden, payloadRemoved }) => payloadOf(payload, { payloadHidden, payloadRemoved }),
  },
]

const payloadOf = (
  payload: unknown,
  { payloadHidden, payloadRemoved }: Pick<Event, 'payloadHidden' | 'payloadRemoved'>,
) => {
  if (payloadHidden) return 'hidden: the API key cannot see payloads'
  return payloadRemoved ? 'no longer kept' : JSON.stringify(payload)
}

export function addEvents(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'events', 'Find events, and find out why they did or did not arrive.')
  addList(noun, terminal)
  addGet(noun, terminal)
  addWhy(noun, terminal)
  addCancel(noun, terminal)
}

type ListFlags = ScopeFlags &
  PeriodFlags & {
    readonly type?: readonly string[]
    readonly key?: string
    readonly filter?: string
    readonly text?: string
  }

function addList(noun: Command, terminal: Terminal): void {
  const list = addCommand(
    noun,
    'list',
    'List events, newest first.',
    [
      ['posthorn events list --tenant acme --since 06:00', 'Those of this morning.'],
      ['posthorn events list --text ada@example.com', 'Those with this text in their payload.'],
      ["posthorn events list --tenant acme --all --json | jq -r '.key'", 'The keys of all of them, one a line.'],
    ],
    { isDefault: true },
  )
  addScope(listing(list))
    .option('--type <type>', 'Of these event types.', several)
    .option('--key <key>', 'Published with this key.')
    .option('--filter <json>', 'Whose payload satisfies this filter, as endpoints have them.')
    .option('--text <text>', 'With this text in their payload.')
  addPeriod(list, 'published')
  withServer(list, terminal, async (run, { type, key, filter, text, ...flags }: ListFlags) => {
    const tenant = scopeOf(run, flags)
    const period = readPeriod(flags, terminal)
    if (period.words !== null) run.out.note(`Events published ${period.words}.`)
    const query = { type, key, filter, text, from: period.from, to: period.to, limit: run.pageSize }
    const events = tenant === null ? run.posthorn.events.listAll(query) : run.posthorn.events.list(tenant, query)
    const columns = tenant === null ? [ID, TENANT, ...REST] : [ID, ...REST]
    await run.out.list(itemsOf(events, tenant, run.out), columns, {
      none: 'There are no such events.',
      limit: run.limit,
    })
  })
}

function addGet(noun: Command, terminal: Terminal): void {
  const get = addCommand(noun, 'get <event>', 'Show an event with its payload.', [
    ['posthorn events get order-7 --tenant acme', 'By the key that it was published with.'],
    ['posthorn events get evt_01jy4k8v3xf0c8wq2rn5s7t9ab --json | jq .payload', 'Only its payload.'],
  ]).alias('show')
  addScope(get)
  withServer(get, terminal, async (run, flags: ScopeFlags, reference: string) => {
    const found = await findEvent(run, scopeOf(run, flags), reference)
    const event = found.kind === 'rejected' ? found.event : await run.posthorn.events.get(found.tenant, found.id)
    await run.out.item<Event>(event, FIELDS)
    const words = ['events', 'why', event.id, '--tenant', event.tenant]
    await run.out.say(`\nWhat became of it: ${ownCommand(words, terminal.env)}`)
  })
}

function addWhy(noun: Command, terminal: Terminal): void {
  const why = addCommand(noun, 'why <event>', 'Explain why an event did or did not arrive, endpoint by endpoint.', [
    ['posthorn events why order-7', 'By the key that it was published with, in whichever tenant it is.'],
    ['posthorn events why evt_01jy4k8v3xf0c8wq2rn5s7t9ab --endpoint orders', 'By its id, at one endpoint.'],
  ])
  addScope(why)
    .option('--endpoint <endpoint>', 'Only this endpoint, by id or uid.')
    .option('--all', 'All endpoints, however many there are.')
  withServer(why, terminal, async (run, flags: ScopeFlags & WhyFlags, reference: string) => {
    const { explainEvent } = await import('./why.ts')
    await explainEvent(run, scopeOf(run, flags), reference, flags)
  })
}

function addCancel(noun: Command, terminal: Terminal): void {
  const cancel = addCommand(noun, 'cancel <event>', 'Cancel the deliveries of an event that are pending or held.', [
    ['posthorn events cancel order-7 --tenant acme --yes', 'Without being asked.'],
  ]).option('--yes', 'Do not ask.')
  addScope(cancel)
  withServer(cancel, terminal, async (run, flags: ScopeFlags & { readonly yes?: boolean }, reference: string) => {
    const { out, posthorn, url } = run
    const found = await findEvent(run, scopeOf(run, flags), reference)
    if (found.kind === 'rejected') return out.say('The event was rejected, so there is nothing to cancel.')
    const query = { event: found.id, state: ['pending', 'held'], limit: 1_000 } as const
    const ids: string[] = []
    for await (const { id } of posthorn.deliveries.list(found.tenant, query)) ids.push(id)
    if (ids.length === 0) return out.say('None of its deliveries is pending or held, so there is nothing to cancel.')
    const what = `Cancel ${counted(ids.length, 'delivery', 'deliveries')} of ${found.id} of ${found.tenant} at ${url}?`
    await confirm(terminal, what, flags.yes ?? false)
    let count = 0
    for (const id of ids) {
      try {
        const delivery = await posthorn.deliveries.cancel(found.tenant, id)
        if (out.isJson) await out.json(delivery)
        count++
      } catch (error) {
        // It ended in the meantime.
        if ((error as { code?: unknown }).code !== 'conflict') throw error
      }
    }
    await out.say(`${counted(count, 'delivery is', 'deliveries are')} cancelled.`)
  })
}
