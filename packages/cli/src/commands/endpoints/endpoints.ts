import type { Endpoint, EndpointWithSecret, ListEndpointsQuery } from '@posthorn/client'
import { type Command, Option } from 'commander'
import { addCommand, addNoun, listing, type TenantRun, withServer, withTenant } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { confirm } from '../../terminal/ask.ts'
import type { Terminal } from '../../terminal/index.ts'
import { ownCommand } from '../../terminal/shell.ts'
import { addScope, itemsOf, type ScopeFlags, scopeFlags, scopeOf } from '../scope.ts'
import { several } from '../values.ts'
import { columnsFor, FIELDS, failingColumnsFor } from './columns.ts'
import { addClearing, addMembers, type EndpointFlags, readMembers } from './input.ts'
import { addSecrets } from './secrets.ts'
import { addTest } from './test.ts'

export function addEndpoints(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'endpoints', 'Register endpoints, change them, and find those that fail.')
  addList(noun, terminal)
  addFailing(noun, terminal)
  addGet(noun, terminal)
  addCreate(noun, terminal)
  addUpdate(noun, terminal)
  addSwitches(noun, terminal)
  addDelete(noun, terminal)
  addTest(noun, terminal)
  addSecrets(noun, terminal)
}

type ListFlags = ScopeFlags & {
  readonly state?: string
  readonly health?: readonly string[]
  readonly type?: readonly string[]
  readonly uid?: string
  readonly text?: string
}

function addList(noun: Command, terminal: Terminal): void {
  const list = addCommand(
    noun,
    'list',
    'List endpoints, newest first.',
    [
      ['posthorn endpoints list --tenant acme', 'Those of a tenant.'],
      ['posthorn endpoints list --text example.com --all', 'Of all tenants, those with this text in URL, name or uid.'],
    ],
    { isDefault: true },
  )
  addScope(listing(list))
    .addOption(new Option('--state <state>', 'In this state.').choices(['enabled', 'disabled']))
    .option('--health <health>', 'With this health: healthy, failing, paused, unknown.', several)
    .option('--type <type>', 'That receive one of these event types.', several)
    .option('--uid <uid>', 'With this uid.')
    .option('--text <text>', 'With this text in their URL, name or uid.')
  withServer(list, terminal, async (run, flags: ListFlags) => {
    const tenant = scopeOf(run, flags)
    const { state, health, type, uid, text } = flags
    const query = { state, health, type, uid, text, limit: run.pageSize } as ListEndpointsQuery
    const endpoints =
      tenant === null ? run.posthorn.endpoints.listAll(query) : run.posthorn.endpoints.list(tenant, query)
    const none = 'There are no such endpoints.'
    await run.out.list(itemsOf(endpoints, tenant, run.out), columnsFor(tenant), { none, limit: run.limit })
  })
}

function addFailing(noun: Command, terminal: Terminal): void {
  const failing = addCommand(noun, 'failing', 'List the endpoints that fail: since when, and why.', [
    ['posthorn endpoints failing', 'Those of all tenants.'],
    ['posthorn endpoints failing --tenant acme', 'Those of one tenant.'],
  ])
  addScope(listing(failing))
  withServer(failing, terminal, async (run, flags: ScopeFlags) => {
    const tenant = scopeOf(run, flags)
    const query = { health: 'failing', stats: '24h', limit: run.pageSize } as const
    const endpoints =
      tenant === null ? run.posthorn.endpoints.listAll(query) : run.posthorn.endpoints.list(tenant, query)
    const none = tenant === null ? 'No endpoint is failing.' : `No endpoint of ${tenant} is failing.`
    const options = { none, limit: run.limit }
    const count = await run.out.list(itemsOf(endpoints, tenant, run.out), failingColumnsFor(tenant), options)
    if (count > 0) {
      const words = ['deliveries', ...scopeFlags(tenant), '--status', '4xx,5xx,none', '--endpoint']
      await run.out.say(`\nWhat failed there: ${ownCommand(words, terminal.env)} <id>`)
    }
  })
}

function addGet(noun: Command, terminal: Terminal): void {
  const get = addCommand(noun, 'get <endpoint>', 'Show an endpoint, by its id or uid.', [
    ['posthorn endpoints get orders --tenant acme', 'Without its secrets, which are never shown.'],
  ]).alias('show')
  withTenant(get, terminal, async ({ posthorn, out, tenant }, _flags: object, id: string) => {
    await showEndpoint({ out }, await posthorn.endpoints.get(tenant, id))
  })
}

/** Shows an endpoint, and what is worth fixing about it. */
async function showEndpoint({ out }: Pick<TenantRun, 'out'>, endpoint: Endpoint): Promise<void> {
  await out.item(endpoint, FIELDS)
  for (const { detail } of endpoint.warnings) out.note(`Warning: ${detail}`)
}

/** Shows a registered or changed endpoint. Its signing secret is shown this once. */
async function showChanged(run: TenantRun, { signingSecret, ...endpoint }: EndpointWithSecret): Promise<void> {
  const { out } = run
  if (out.isJson) return out.json({ ...endpoint, signingSecret })
  await showEndpoint(run, endpoint)
  if (signingSecret === null) return
  await out.say('')
  await out.say(`Its signing secret, which is not shown again: ${signingSecret}`)
}

function addCreate(noun: Command, terminal: Terminal): void {
  const create = addCommand(noun, 'create <endpoint-url>', 'Register an endpoint.', [
    [
      'posthorn endpoints create https://hooks.example.com/orders --tenant acme --types ORDER_PAID --client-secret-file -',
      'Asks for the clientSecret, or takes it from standard input.',
    ],
    [
      'posthorn endpoints create https://hooks.example.com/all --tenant acme --body endpoint.json',
      'With members from a file.',
    ],
  ])
  addMembers(create).option(
    '--signing-secret-file <file>',
    'A file with a signing secret of your own (it begins with whsec_).',
  )
  create.option('--disabled', 'Hold what it gets until it is enabled.')
  withTenant(create, terminal, async (run, flags: EndpointFlags & { disabled?: boolean }, url: string) => {
    const members = await readMembers(flags, terminal, url)
    const body = flags.disabled === true ? { ...members, state: 'disabled' as const } : members
    await showChanged(run, await run.posthorn.endpoints.create(run.tenant, body))
  })

  const check = addCommand(
    noun,
    'check [endpoint-url]',
    'Say what registering an endpoint would refuse and warn of. Changes nothing.',
    [['posthorn endpoints check https://hooks.example.com/orders --tenant acme', 'Only the URL.']],
  )
  addMembers(check)
  withTenant(check, terminal, async (run, flags: EndpointFlags, url?: string) => {
    const { out, posthorn, tenant } = run
    const found = await posthorn.endpoints.check(tenant, await readMembers(flags, terminal, url))
    if (found.errors.length > 0) run.exitCode = EXIT.refused
    if (out.isJson) return out.json(found)
    const lines = [
      ...found.errors.map(({ field, detail }) => out.paint('bad', `error    ${nameOf(field)}${detail}`)),
      ...found.missing.map(({ field, detail }) => `missing  ${nameOf(field)}${detail}`),
      ...found.warnings.map(({ field = '', detail }) => out.paint('doubtful', `warning  ${nameOf(field)}${detail}`)),
    ]
    for (const line of lines) await out.say(line)
    if (lines.length === 0) await out.say('It can be registered, and there is nothing to warn of.')
  })
}

const nameOf = (field: string): string => (field === '' ? '' : `${field.replace(/^\//, '')}: `)

function addUpdate(noun: Command, terminal: Terminal): void {
  const update = addCommand(noun, 'update <endpoint>', 'Change members of an endpoint, and keep the others.', [
    ['posthorn endpoints update orders --tenant acme --types ORDER_PAID,ORDER_SHIPPED', 'Other event types.'],
    [
      'posthorn endpoints update orders --tenant acme --client-secret-file new-secret.txt',
      'Another clientSecret, from now on.',
    ],
    ['posthorn endpoints update orders --tenant acme --clear filter,rateLimit', 'Neither filter nor limit any longer.'],
  ])
  addClearing(addMembers(update))
    .option('--new-url <endpoint-url>', 'Where its requests go from now on.')
    .option('--switch-at <time>', 'When the new clientSecret takes effect (RFC 3339). Default: now.')
  withTenant(update, terminal, async (run, flags: EndpointFlags & { switchAt?: string }, id: string) => {
    const members = await readMembers(flags, terminal, flags.newUrl)
    const body = flags.switchAt === undefined ? members : { ...members, switchAt: flags.switchAt }
    await showChanged(run, await run.posthorn.endpoints.update(run.tenant, id, body))
  })
}

function addSwitches(noun: Command, terminal: Terminal): void {
  const disable = addCommand(noun, 'disable <endpoint>', 'Disable an endpoint: its deliveries are held.', [
    ['posthorn endpoints disable orders --tenant acme', 'Until it is enabled again.'],
  ])
  withTenant(disable, terminal, async ({ posthorn, out, tenant }, _flags: object, id: string) => {
    const endpoint = await posthorn.endpoints.disable(tenant, id)
    if (out.isJson) await out.json(endpoint)
    else
      await out.say(
        `The endpoint ${id} is disabled. Its deliveries are held until: posthorn endpoints enable ${id} --tenant ${tenant}`,
      )
  })

  const enable = addCommand(noun, 'enable <endpoint>', 'Enable an endpoint, and send what was held.', [
    ['posthorn endpoints enable orders --tenant acme', 'And send what was held.'],
    ['posthorn endpoints enable orders --tenant acme --held cancel', 'And give up what was held.'],
  ]).addOption(
    new Option('--held <what>', 'What to do with held deliveries. Default: release.').choices(['release', 'cancel']),
  )
  withTenant(enable, terminal, async (run, { held }: { held?: 'release' | 'cancel' }, id: string) => {
    const { posthorn, out, tenant } = run
    const endpoint = await posthorn.endpoints.enable(tenant, id, { held })
    if (out.isJson) return out.json(endpoint)
    const what = held === 'cancel' ? 'Its held deliveries are cancelled.' : 'Its held deliveries are sent now.'
    await out.say(`The endpoint ${id} is enabled. ${what}`)
  })
}

function addDelete(noun: Command, terminal: Terminal): void {
  const remove = addCommand(noun, 'delete <endpoint>', 'Delete an endpoint, and cancel its pending deliveries.', [
    ['posthorn endpoints delete orders --tenant acme --yes', 'Without being asked.'],
  ]).option('--yes', 'Do not ask.')
  withTenant(remove, terminal, async (run, { yes = false }: { yes?: boolean }, id: string) => {
    const { posthorn, out, tenant, url } = run
    const endpoint = await posthorn.endpoints.get(tenant, id)
    const what = endpoint.url === null ? id : `${id} (${endpoint.url})`
    await confirm(terminal, `Delete the endpoint ${what} of ${tenant} at ${url}?`, yes)
    await posthorn.endpoints.delete(tenant, id)
    await out.say(`The endpoint ${id} is deleted.`)
  })
}
