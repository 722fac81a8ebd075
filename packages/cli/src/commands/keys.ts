import type { ApiKey, ApiKeyScope, CreateApiKeyBody, NewApiKey, RateLimit } from '@posthorn/client'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { addCommand, addConnectionFlags, addNoun, listing, withNothing, withServer } from '../command.ts'
import { connect } from '../connection.ts'
import { EXIT } from '../exit.ts'
import { explain, Problem } from '../problem.ts'
import { confirm } from '../terminal/ask.ts'
import { type Column, NONE, type Printer, type Terminal } from '../terminal/index.ts'

const SCOPES: readonly ApiKeyScope[] = ['all', 'publish', 'read']

const COLUMNS: readonly Column<ApiKey>[] = [
  { title: 'ID', text: ({ id }) => id, tone: () => 'strong' },
  { title: 'NAME', text: ({ name }) => name, canBeCut: true },
  { title: 'SCOPE', text: ({ scope }) => scope },
  { title: 'TENANT', text: ({ tenant }) => tenant ?? 'all' },
  { title: 'PAYLOADS', text: ({ payloads }) => (payloads ? 'yes' : 'no'), extra: 3 },
  { title: 'RATE LIMIT', text: ({ rateLimit }) => formatRateLimit(rateLimit), extra: 4 },
  { title: 'CREATED', text: ({ createdAt }, { time }) => time(createdAt), extra: 2 },
  { title: 'EXPIRES', text: ({ expiresAt }, { time }) => (expiresAt === null ? 'never' : time(expiresAt)), extra: 1 },
  {
    title: 'REVOKED',
    text: ({ revokedAt }, { time }) => time(revokedAt),
    tone: ({ revokedAt }) => (revokedAt === null ? undefined : 'bad'),
    extra: 0,
  },
]

const NEW_FIELDS: readonly Column<NewApiKey>[] = [
  ...COLUMNS.filter(({ title }) => title !== 'REVOKED'),
  { title: 'KEY', text: ({ key }) => key, tone: () => 'accent' },
]

const formatRateLimit = (limit: RateLimit | null): string =>
  limit === null ? NONE : `${limit.requests}/${limit.perSeconds} s`

type CreateFlags = {
  readonly name: string
  readonly scope: ApiKeyScope
  readonly tenant?: string
  readonly payloads: boolean
  readonly expiresAt?: string
  readonly rateLimit?: RateLimit
}

export function addKeys(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'keys', 'List, create and revoke API keys.')

  const list = addCommand(noun, 'list', 'List API keys, newest first, revoked and expired ones included.', [
    ['posthorn keys list', 'All but the root key, without the keys themselves.'],
    [`posthorn keys list --all --json | jq -r 'select(.tenant == "acme") | .id'`, "The ids of a tenant's keys."],
  ])
  withServer(listing(list), terminal, async ({ posthorn, out, limit, pageSize }) => {
    await out.list(posthorn.apiKeys.list({ limit: pageSize }), COLUMNS, {
      none: 'There are no API keys but the root key.',
      limit,
    })
  })

  const get = addCommand(noun, 'get <key-id>', 'Show an API key, without the key itself.', [
    ['posthorn keys get key_01kb4q0d8r7p8v0r3y1z2w5a9q', 'What the key allows, and until when.'],
  ])
  withServer(get, terminal, async ({ posthorn, out }, _options, id: string) => {
    await out.item(await posthorn.apiKeys.get(id), COLUMNS)
  })

  addCreate(noun, terminal)

  const revoke = addCommand(noun, 'revoke <key-id>', 'Revoke an API key: all nodes refuse it within a second.', [
    ['posthorn keys revoke key_01kb4q0d8r7p8v0r3y1z2w5a9q --yes', 'Without being asked.'],
  ]).option('--yes', 'Do not ask.')
  withServer(revoke, terminal, async ({ posthorn, out }, { yes = false }: { yes?: boolean }, id: string) => {
    const { name } = await posthorn.apiKeys.get(id)
    await confirm(terminal, `Revoke the API key ${id} (${name})? This cannot be undone.`, yes)
    await posthorn.apiKeys.revoke(id)
    await out.say(`The API key ${id} (${name}) is revoked.`)
  })

  addRotate(noun, terminal)
}

function addCreate(noun: Command, terminal: Terminal): void {
  const create = addCommand(noun, 'create', 'Create an API key, and show it, this once.', [
    ['posthorn keys create --name shop --scope publish --tenant acme', 'A key that only publishes events of a tenant.'],
    ['posthorn keys create --name support --scope read --no-payloads', 'A key that sees no personal data.'],
    ["posthorn keys create --name ci --scope all --json | jq -r '.key' > key", 'The key alone, in a file.'],
  ])
    .requiredOption('--name <name>', 'What the key is for.')
    .addOption(new Option('--scope <scope>', 'What the key allows.').choices(SCOPES).makeOptionMandatory())
    .option('--tenant <tenant>', 'The only tenant that the key can be used for. Default: all tenants.')
    .option('--no-payloads', 'The key shows neither payloads nor what receivers responded.')
    .option('--expires-at <time>', 'When the key expires, such as 2027-06-30T12:00:00Z. Default: never.')
    .option('--rate-limit <requests/seconds>', 'The most calls on each node, such as 100/60. Default: none.', rateLimit)
  withServer(create, terminal, async ({ posthorn, out }, flags: CreateFlags) => {
    const { name, scope, tenant, payloads, expiresAt, rateLimit } = flags
    const body: CreateApiKeyBody = { name, scope, tenant, payloads, expiresAt, rateLimit }
    await showNew(await posthorn.apiKeys.create(body), out)
  })
}

/** The API creates and revokes keys. A new key of the same kind, and time to put it where the old one is, is a rotation. */
function addRotate(noun: Command, terminal: Terminal): void {
  const rotate = addCommand(noun, 'rotate [key-id]', 'Create a key that allows the same as another one.', [
    [
      'posthorn keys rotate key_01kb4q0d8r7p8v0r3y1z2w5a9q',
      'Show the new key, and leave the old one valid until you revoke it.',
    ],
  ])
  addConnectionFlags(rotate)
  type Flags = { readonly url?: string; readonly profile?: string }
  withNothing(rotate, terminal, async ({ out }, flags: Flags, id: string | undefined) => {
    if (id === undefined) {
      const other = 'The key that encrypts secrets is replaced by: posthorn encryption-keys rotate'
      throw new Problem(`The id of an API key is missing, so nothing was changed. ${other}`, EXIT.usage)
    }
    const connected = await connect(flags, terminal)
    try {
      const { name, scope, tenant, payloads, expiresAt, rateLimit, revokedAt } =
        await connected.posthorn.apiKeys.get(id)
      if (revokedAt !== null) throw new Problem(`The API key ${id} is revoked: use posthorn keys create.`)
      const body = { name, scope, tenant, payloads, expiresAt, rateLimit }
      await showNew(await connected.posthorn.apiKeys.create(body), out)
    } catch (error) {
      throw await explain(error, connected)
    }
    out.note(`The old key is still valid. When nothing uses it any longer: posthorn keys revoke ${id}`)
  })
}

async function showNew(key: NewApiKey, out: Printer): Promise<void> {
  await out.item(key, NEW_FIELDS)
  out.note('Keep the key now: it is not shown again.')
}

function rateLimit(text: string): RateLimit {
  const [, requests, perSeconds] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []
  if (perSeconds === undefined) throw new InvalidArgumentError('It must be requests/seconds, such as 100/60.')
  return { requests: Number(requests), perSeconds: Number(perSeconds) }
}
