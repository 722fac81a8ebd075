/** What holds for every command that calls the API, those that are added later included. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Effects, makeProgram } from '../../server/src/commands/command-line.ts'
import { type About, aboutOf } from '../src/command.ts'
import { addRemoteCommands } from '../src/index.ts'
import { CLIENT_SECRET, keepingTerminal, type RanCommand, runPosthorn, startServer, type TestServer } from './setup.ts'

type Leaf = {
  readonly name: string
  readonly path: readonly string[]
  readonly command: Command
  readonly about: About
}

const program = makeProgram({} as Effects)
addRemoteCommands(program, keepingTerminal().terminal)

function leavesOf(command: Command, path: readonly string[] = []): Leaf[] {
  const about = aboutOf(command)
  const own = about === undefined ? [] : [{ name: path.join(' '), path, command, about }]
  return [...own, ...command.commands.flatMap(each => leavesOf(each, [...path, each.name()]))]
}

const LEAVES = leavesOf(program)
const CALLING = LEAVES.filter(({ about }) => about.needs !== 'nothing')
const KEYED = CALLING.filter(({ about }) => about.needs !== 'address')

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.end())

/** What stands for each word in `<…>`: of things that exist, made for the one command. */
async function makeValues(): Promise<Readonly<Record<string, string>>> {
  const { posthorn } = server
  const tenant = `tenant-${randomBytes(4).toString('hex')}`
  const type = `type.${randomBytes(4).toString('hex')}`
  await posthorn.tenants.put(tenant)
  const schema = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } }
  await posthorn.eventTypes.put(type, { group: 'tests', description: 'Of a test.', schema, example: { a: 1 } })
  const endpoint = await posthorn.endpoints.create(tenant, {
    url: 'http://127.0.0.1:9/hook',
    clientSecret: CLIENT_SECRET,
  })
  const event = await posthorn.events.publish(tenant, { type, payload: { a: 1 } })
  const [delivery] = (await posthorn.deliveries.list(tenant)).data
  const key = await posthorn.apiKeys.create({ name: 'a key', scope: 'read' })
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJwb3N0aG9ybiJ9.c2lnbmF0dXJl'
  const file = join(server.folder, 'file')
  const ids = { endpoint: endpoint.id, event: event.id, delivery: delivery!.id, 'key-id': key.id }
  return { tenant, type, ...ids, token, file, profile: 'none', shell: 'bash', name: 'a name', scope: 'read' }
}

/** The arguments and required flags of a command, with `--tenant` and `--yes` where it has them. */
function argumentsOf({ command, name, path }: Leaf, values: Readonly<Record<string, string>>): string[] {
  const valueFor = (word: string) => {
    const value = values[word]
    if (value === undefined) throw new Error(`"posthorn ${name}" takes <${word}>: add a value for it to makeValues.`)
    return value
  }
  const operands = command.registeredArguments.filter(each => each.required).map(each => valueFor(each.name()))
  const flags = command.options.flatMap(({ long, mandatory, flags: text }) => {
    const word = /<([\w-]+)/.exec(text)?.[1]
    if (long === '--yes') return [long]
    return mandatory || long === '--tenant' ? [long!, valueFor(word!)] : []
  })
  return [...path, ...operands, ...flags]
}

/** The sentences on standard error. Throws if there is a stack, or anything that isn't one line. */
function onlySentence({ stderr }: RanCommand): string {
  expect(stderr.split('\n')).toEqual([expect.stringMatching(/^posthorn: .+[.?!:]$|--help\.$|posthorn login$/), ''])
  expect(stderr).not.toMatch(/\n\s+at |undefined|\[object/)
  return stderr
}

async function closedPort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  listener.close()
  await once(listener, 'close')
  return port
}

describe.each(LEAVES)('posthorn $name', leaf => {
  it('has a description and examples that are of this command and its flags', () => {
    expect(leaf.command.description()).toMatch(/^[A-Z].*\.$/)
    expect(leaf.about.examples.length).toBeGreaterThan(0)
    for (const [line, does] of leaf.about.examples) {
      expect(line).toContain(`posthorn ${leaf.name}`)
      expect(does).toMatch(/^.*\.$/)
      const own = line.slice(line.indexOf(`posthorn ${leaf.name}`)).split(/ [|>] /)[0]!
      const flags = [...own.matchAll(/ (--[a-z-]+)/g)].map(match => match[1])
      expect(leaf.command.options.map(({ long }) => long)).toEqual(expect.arrayContaining(flags))
    }
  })

  it('refuses an unknown flag in one sentence, with code 2', async () => {
    const args = argumentsOf(leaf, await makeValues())
    const ran = await runPosthorn([...args, '--no-such-flag'], { env: server.env })
    expect([ran.code, ran.stdout, onlySentence(ran)]).toEqual([2, '', expect.stringContaining("'--no-such-flag'")])
  })
})

describe.each(KEYED)('posthorn $name', leaf => {
  it('says in one sentence what to type if there is no server, key or tenant, with code 2', async () => {
    const values = await makeValues()
    const args = argumentsOf(leaf, values)
    const { XDG_CONFIG_HOME, POSTHORN_URL, POSTHORN_API_KEY } = server.env
    const noServer = await runPosthorn(args, { env: { XDG_CONFIG_HOME, POSTHORN_API_KEY } })
    expect([noServer.code, noServer.stdout, onlySentence(noServer)]).toEqual([
      2,
      '',
      expect.stringContaining('posthorn login'),
    ])
    const noKey = await runPosthorn(args, { env: { XDG_CONFIG_HOME, POSTHORN_URL } })
    expect([noKey.code, noKey.stdout, onlySentence(noKey)]).toEqual([
      2,
      '',
      expect.stringContaining('POSTHORN_API_KEY'),
    ])
    if (leaf.about.needs !== 'tenant') return
    const withoutTenant = args.filter((each, at) => each !== '--tenant' && args[at - 1] !== '--tenant')
    const noTenant = await runPosthorn(withoutTenant, { env: server.env })
    expect([noTenant.code, noTenant.stdout, onlySentence(noTenant)]).toEqual([
      2,
      '',
      expect.stringContaining('--tenant'),
    ])
  })
})

describe.each(CALLING)('posthorn $name', leaf => {
  it('says in one sentence that no server responds, with code 3', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`
    const args = argumentsOf(leaf, await makeValues())
    const ran = await runPosthorn([...args, '--json'], { env: { ...server.env, POSTHORN_URL: url } })
    expect([ran.code, ran.stdout, onlySentence(ran)]).toEqual([3, '', expect.stringContaining(url)])
  })

  it.skipIf(leaf.about.isEndless)('writes nothing but JSON with --json', async () => {
    const args = argumentsOf(leaf, await makeValues())
    const ran = await runPosthorn([...args, '--json'], { env: server.env })
    expect(ran.stderr).not.toMatch(/\n\s+at /)
    expect([0, 1, 2, 5], ran.stderr).toContain(ran.code)
    for (const document of ran.documents()) expect(typeof document).toBe('object')
  })

  it.skipIf(leaf.about.isEndless)('fits a terminal of 40 columns', async () => {
    const ran = await runPosthorn(argumentsOf(leaf, await makeValues()), { env: server.env, columns: 40 })
    expect(ran.stderr).not.toMatch(/\n\s+at /)
  })
})

it('every command says in one sentence that the key is wrong, with code 4', async () => {
  // At the same time, since the server delays its responses after ten wrong keys.
  const runs = KEYED.map(async leaf => {
    const args = argumentsOf(leaf, await makeValues())
    const ran = await runPosthorn(args, { env: { ...server.env, POSTHORN_API_KEY: 'wrong' } })
    return [leaf.name, ran.code, ran.stdout, onlySentence(ran)]
  })
  expect(await Promise.all(runs)).toEqual(
    KEYED.map(({ name }) => [name, 4, '', expect.stringContaining('does not accept the API key')]),
  )
})

it('shows nothing that follows an unknown flag, or that is one word too many: it might be a key', async () => {
  for (const args of [
    ['login', '--api-key=hush'],
    ['login', '--api-key', 'hush'],
    ['login', 'hush'],
    ['hush', 'hush'],
  ]) {
    const ran = await runPosthorn(args, { env: server.env })
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    if (args[0] === 'login') expect(ran.stderr).not.toContain('hush')
  }
})
