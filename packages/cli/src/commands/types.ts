import type { EventType, PutEventType, PutEventTypeBody } from '@posthorn/client'
import type { Command } from 'commander'
import { addCommand, addNoun, listing, type ServerRun, withServer } from '../command.ts'
import { EXIT } from '../exit.ts'
import { readJson, readJsonObject } from '../input.ts'
import { Problem } from '../problem.ts'
import { confirm } from '../terminal/ask.ts'
import { type Column, NONE, type Terminal } from '../terminal/index.ts'
import { ownCommand } from '../terminal/shell.ts'
import { counted } from './values.ts'

const COLUMNS: readonly Column<EventType>[] = [
  { title: 'NAME', text: ({ name }) => name, tone: () => 'strong' },
  { title: 'GROUP', text: ({ group }) => group, canBeCut: true, extra: 2 },
  { title: 'NOTE', text: ({ archivedAt, operational }) => noteOf(archivedAt !== null, operational), extra: 3 },
  { title: 'DESCRIPTION', text: ({ description }) => description, canBeCut: true, extra: 1 },
]

const noteOf = (isArchived: boolean, isOperational: boolean): string =>
  isArchived ? 'archived' : isOperational ? 'operational' : NONE

const FIELDS: readonly Column<EventType>[] = [
  ...COLUMNS,
  { title: 'SCHEDULE', text: ({ schedule }) => (schedule === null ? 'default' : `${schedule.join(', ')} s`) },
  { title: 'ARCHIVED', text: ({ archivedAt }, { time }) => time(archivedAt) },
  { title: 'EXAMPLE', text: ({ example }) => JSON.stringify(example) },
  { title: 'SCHEMA', text: ({ schema }) => JSON.stringify(schema) },
]

export function addTypes(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'types', 'List event types, change the catalogue, and validate payloads.')
  addReading(noun, terminal)
  addPutting(noun, terminal)
  addValidate(noun, terminal)
  addArchiving(noun, terminal)
}

function addReading(noun: Command, terminal: Terminal): void {
  const list = addCommand(
    noun,
    'list',
    'List the event types, sorted by name.',
    [
      ['posthorn types list', 'All that can be published.'],
      ["posthorn types list --all --json | jq -r '.name'", 'Their names, one a line.'],
    ],
    { isDefault: true },
  )
  listing(list).option('--operational', 'Also those that Posthorn publishes about itself.')
  withServer(list, terminal, async (run, { operational = false }: { operational?: boolean }) => {
    const { posthorn, out, limit, pageSize } = run
    const types = posthorn.eventTypes.list({ limit: pageSize })
    const options = { none: 'There are no event types.', limit }
    await out.list(operational ? types : publishable(types), COLUMNS, options)
  })

  const get = addCommand(noun, 'get <type>', 'Show an event type, with its schema and an example.', [
    ['posthorn types get ORDER_PAID', 'All of it.'],
    ['posthorn types get ORDER_PAID --json > type.json', 'As a file for posthorn types create.'],
  ]).alias('show')
  withServer(get, terminal, async ({ posthorn, out }, _flags: object, name: string) => {
    await out.item(await posthorn.eventTypes.get(name), FIELDS)
  })
}

async function* publishable(types: AsyncIterable<EventType>): AsyncGenerator<EventType, void> {
  for await (const type of types) if (!type.operational) yield type
}

type PutFlags = {
  readonly body?: string
  readonly schema?: string
  readonly example?: string
  readonly group?: string
  readonly description?: string
  readonly dryRun?: boolean
  readonly force?: boolean
}

const addPutFlags = (command: Command): Command =>
  command
    .option('--body <file>', 'A file with the type as JSON, as types get --json writes it; - is standard input.')
    .option('--schema <file>', 'A file with its JSON Schema (2020-12).')
    .option('--example <file>', 'A file with a payload that satisfies the schema.')
    .option('--group <group>', 'What it belongs to.')
    .option('--description <text>', 'When it is published.')
    .option('--dry-run', 'Only check it. Nothing is stored.')

function addPutting(noun: Command, terminal: Terminal): void {
  const create = addCommand(noun, 'create <type>', 'Create an event type.', [
    [
      'posthorn types create ORDER_PAID --group orders --description "An order was paid." --schema s.json --example e.json',
      'From a schema and an example.',
    ],
    ['posthorn types create ORDER_PAID --body type.json --dry-run', 'Only check the file.'],
  ])
  addPutFlags(create)
  withServer(create, terminal, async (run, flags: PutFlags, name: string) => {
    if ((await find(run, name)) !== null) {
      throw new Problem(
        `The event type ${name} exists. To change it: ${ownCommand(['types', 'update', name], terminal.env)}`,
        EXIT.refused,
      )
    }
    await put(run, name, (await readType(flags, terminal)) as PutEventTypeBody, flags)
  })

  const update = addCommand(noun, 'update <type>', 'Change an event type, and keep what is not given.', [
    ['posthorn types update ORDER_PAID --schema s.json --dry-run', 'Say whether recent events satisfy the new schema.'],
    ['posthorn types update ORDER_PAID --schema s.json --force', 'Replace it even if they would not.'],
  ])
  addPutFlags(update).option('--force', 'Replace the schema even if it would reject recent events.')
  withServer(update, terminal, async (run, flags: PutFlags, name: string) => {
    const given = await readType(flags, terminal)
    await put(run, name, { ...membersOf(await run.posthorn.eventTypes.get(name)), ...given }, flags)
  })
}

async function find({ posthorn }: ServerRun, name: string): Promise<EventType | null> {
  try {
    return await posthorn.eventTypes.get(name)
  } catch (error) {
    if ((error as { status?: unknown }).status === 404) return null
    throw error
  }
}

/** What a call that stores a type takes, of what one returns. */
const membersOf = ({ group, description, schema, example, schedule }: EventType): PutEventTypeBody => ({
  group,
  description,
  schema,
  example,
  schedule,
})

async function readType(flags: PutFlags, terminal: Terminal): Promise<Partial<PutEventTypeBody>> {
  const { group, description } = flags
  const body = flags.body === undefined ? {} : await readJsonObject(flags.body, terminal)
  // As another command has written it: with what can't be set.
  const { name: _name, operational: _operational, archivedAt: _archivedAt, ...rest } = body
  const members = {
    group,
    description,
    schema: flags.schema === undefined ? undefined : await readJson(flags.schema, terminal),
    example: flags.example === undefined ? undefined : await readJson(flags.example, terminal),
  }
  return { ...rest, ...Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) }
}

async function put(run: ServerRun, name: string, body: PutEventTypeBody, flags: PutFlags): Promise<void> {
  const { posthorn, out } = run
  const { dryRun = false, force = false } = flags
  const type: PutEventType = await posthorn.eventTypes.put(name, body, { dryRun, force })
  for (const { detail, field } of type.warnings)
    out.note(`Warning: ${field === undefined ? '' : `${field}: `}${detail}`)
  if (out.isJson) return out.json(type)
  const checked =
    type.checkedEvents === null ? '' : ` ${counted(type.checkedEvents, 'recent event')} would be accepted.`
  await out.say(
    dryRun
      ? `The event type ${name} is fine.${checked} Nothing was stored.`
      : `The event type ${name} is stored.${checked}`,
  )
}

function addValidate(noun: Command, terminal: Terminal): void {
  const validate = addCommand(noun, 'validate <type> <file>', 'Say whether a payload satisfies the schema of a type.', [
    ['posthorn types validate ORDER_PAID sample.json', 'A file. Nothing is published.'],
    ['posthorn types validate ORDER_PAID - < sample.json', 'Standard input.'],
  ]).addHelpText('after', '\nNeeds a key that can change the catalogue, which it leaves as it is.\n')
  withServer(validate, terminal, async (run, _flags: object, name: string, file: string) => {
    const { posthorn, out } = run
    const example = await readJson(file, terminal)
    const type = await posthorn.eventTypes.get(name)
    const errors = await faultsOf(run, type, example)
    if (errors.length > 0) run.exitCode = EXIT.refused
    if (out.isJson) return out.json({ type: name, valid: errors.length === 0, errors })
    if (errors.length === 0) return out.say(`The payload satisfies the schema of ${name}.`)
    for (const { field, detail } of errors) await out.say(`${field === '' ? 'payload' : field}: ${detail}`)
  })
}

/** A type's example must satisfy its schema. So the server is asked whether the type could have this one. */
async function faultsOf({ posthorn }: ServerRun, type: EventType, example: unknown) {
  try {
    await posthorn.eventTypes.put(type.name, { ...membersOf(type), example }, { dryRun: true })
    return []
  } catch (error) {
    const { code, fields = [] } = error as { code?: unknown; fields?: { field: string; detail: string }[] }
    const isOfPayload = fields.length > 0 && fields.every(({ field }) => field.startsWith('/example'))
    if (code !== 'invalid' || !isOfPayload) throw error
    return fields.map(({ field, detail }) => ({ field: field.replace(/^\/example/, ''), detail }))
  }
}

function addArchiving(noun: Command, terminal: Terminal): void {
  const archive = addCommand(noun, 'archive <type>', 'Archive an event type: it can no longer be published.', [
    ['posthorn types archive ORDER_PAID', 'What was published is still delivered.'],
  ])
  withServer(archive, terminal, async ({ posthorn, out }, _flags: object, name: string) => {
    const type = await posthorn.eventTypes.archive(name)
    if (out.isJson) await out.json(type)
    else
      await out.say(
        `The event type ${name} is archived. It can be published again after: posthorn types unarchive ${name}`,
      )
  })

  const unarchive = addCommand(noun, 'unarchive <type>', 'Bring an archived event type back into use.', [
    ['posthorn types unarchive ORDER_PAID', 'It can be published again.'],
  ])
  withServer(unarchive, terminal, async ({ posthorn, out }, _flags: object, name: string) => {
    const type = await posthorn.eventTypes.unarchive(name)
    if (out.isJson) await out.json(type)
    else await out.say(`The event type ${name} is in use again.`)
  })

  const remove = addCommand(noun, 'delete <type>', 'Delete an event type from the catalogue.', [
    ['posthorn types delete ORDER_PAID --yes', 'Without being asked.'],
  ]).option('--yes', 'Do not ask.')
  withServer(remove, terminal, async (run, { yes = false }: { yes?: boolean }, name: string) => {
    await run.posthorn.eventTypes.get(name)
    await confirm(terminal, `Delete the event type ${name} at ${run.url}?`, yes)
    await run.posthorn.eventTypes.delete(name)
    await run.out.say(`The event type ${name} is deleted.`)
  })
}
