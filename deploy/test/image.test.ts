/** The image, built without a daemon from the Dockerfile's own instructions, and started as a container would be. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { findFreePort, type Postgres, type Receiver, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { buildImage, type Image } from '../docker/image.ts'
import { type Container, type ContainerOptions, startContainer } from '../docker/namespaces.ts'
import { ROOT, run, toolsFolder } from './tools.ts'

const API_KEY = 'test-api-key-0123456789'
const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const UID = 10_001
const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8'))

let folder: string
let image: Image
const containers: Container[] = []

beforeAll(() => {
  // Not in memory, where programs might not be allowed to run.
  mkdirSync(join(toolsFolder(), 'work'), { recursive: true })
  folder = mkdtempSync(join(toolsFolder(), 'work/image-'))
  chmodSync(folder, 0o755)
  image = buildImage({ context: ROOT, folder, cache: join(toolsFolder(), 'bases'), args: { VERSION: version } })
}, 240_000)

afterEach(async () => {
  for (const container of containers.splice(0)) {
    try {
      container.kill('SIGKILL')
    } catch {
      // It has ended already.
    }
    await container.ended
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A new volume, which gets the owner and the mode that the image's folder has, as Docker's do. */
function makeVolume(): string {
  const volume = mkdtempSync(join(folder, 'volume-'))
  const { uid, gid, mode } = lstatSync(join(image.root, 'data'))
  chownSync(volume, uid, gid)
  chmodSync(volume, mode & 0o7777)
  return volume
}

type Running = Container & {
  readonly url: string
  readonly volume: string
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>
}

async function start(options: Partial<ContainerOptions> = {}, volume = makeVolume()): Promise<Running> {
  const port = await findFreePort()
  // Development mode allows receivers on this machine, where those of the tests are.
  const env = { POSTHORN_PORT: `${port}`, POSTHORN_API_KEY: API_KEY, POSTHORN_DEV: 'true', ...options.env }
  const container = startContainer(image, { ...options, env, volumes: { '/data': volume } })
  containers.push(container)
  const url = `http://127.0.0.1:${port}`
  return {
    ...container,
    url,
    volume,
    async call(method, path, body) {
      const response = await fetch(`${url}/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
    },
  }
}

async function healthy(container: Container): Promise<void> {
  const check = () => container.exec(image.config.healthcheck)
  await expect.poll(async () => (await check()).code, { timeout: 30_000, interval: 250 }).toBe(0)
}

const event = (index: number) => ({
  type: 'COVER_REFERENCE',
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
})

async function register(server: Pick<Running, 'call'>, receiver: Receiver): Promise<void> {
  await server.call('PUT', '/tenants/acme', {})
  const made = await server.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
  expect(made).toMatchObject({ status: 201 })
}

describe('the image', () => {
  it('starts one program without a shell, as a user with a number, with all that its memory needs', () => {
    expect(image.config.user).toBe(`${UID}:${UID}`)
    expect(image.config.entrypoint).toEqual([
      'node',
      '--max-semi-space-size=16',
      '/opt/posthorn/node_modules/.bin/posthorn',
    ])
    expect(image.config.cmd).toEqual(['serve'])
    expect(image.config.env.MALLOC_ARENA_MAX).toBe('2')
    expect(image.config.stopSignal).toBe('SIGTERM')
    expect(image.config.volumes).toEqual(['/data'])
    expect(image.config.labels['org.opencontainers.image.version']).toBe(version)
  })

  it('has Node and Posthorn, but no npm, and nothing that an architecture would change', () => {
    const local = ['bin', 'lib', 'lib/node_modules', 'sbin'].flatMap(path => list(join(image.root, 'usr/local', path)))
    expect(local).toEqual(['node'])
    const found = execFileSync('find', [join(image.root, 'opt/posthorn'), '-type', 'f', '-name', '*.node'])
    expect(found.toString()).toBe('')
    const { size } = lstatSync(join(image.root, 'usr/local/bin/node'))
    expect(size).toBeGreaterThan(50 * 1024 ** 2)
  })

  it('lets its user write in /data alone', () => {
    // As root, for what another user could do: its own files, and what everyone can write.
    const places = [
      '-xdev',
      '-not',
      '-type',
      'l',
      '(',
      '-uid',
      `${UID}`,
      '-o',
      '-perm',
      '-0002',
      ')',
      '-printf',
      '/%P %m\n',
    ]
    const found = execFileSync('find', [image.root, ...places], { encoding: 'utf8' })
      .trim()
      .split('\n')
    expect(found.toSorted()).toEqual(['/data 700', '/run/lock 1777', '/tmp 1777', '/var/tmp 1777'])
  })

  it('is as small as it is said to be', () => {
    const bytes = (path: string) =>
      Number(
        execFileSync('du', ['-sb', join(image.root, path)])
          .toString()
          .split('\t')[0],
      )
    const sizes = { all: bytes('.'), node: bytes('usr/local/bin/node'), posthorn: bytes('opt/posthorn') }
    const text = Object.entries(sizes).map(([name, size]) => `${name} ${(size / 1e6).toFixed(1)} MB`)
    process.stdout.write(`the image's files: ${text.join(', ')}\n`)
    expect(sizes.posthorn).toBeLessThan(25e6)
    expect(sizes.all).toBeLessThan(300e6)
  })
})

const list = (path: string): string[] => {
  try {
    return readdirSync(path).filter(name => lstatSync(join(path, name)).isFile())
  } catch {
    return []
  }
}

describe('a container with a read-only root', () => {
  it('serves, is healthy, delivers, and drains on SIGTERM while an attempt is in flight', async () => {
    const receiver = await startReceiver({
      http: true,
      script: (_, __, total) => ({ delayMs: total === 2 ? 1_500 : 0 }),
    })
    const server = await start()
    await healthy(server)
    expect((await server.exec(['node', '/opt/posthorn/health.mjs', '/readyz'])).output).toContain('"status":"ready"')
    await register(server, receiver)
    expect(await server.call('POST', '/tenants/acme/events', event(1))).toMatchObject({ status: 202 })
    await receiver.waitFor(() => receiver.distinct.size === 1, { timeoutMs: 10_000 })
    expect(receiver.requests[0]!.headers).toHaveProperty('webhook-signature')
    expect(receiver.requests[0]!.headers['user-agent']).toBe(`Posthorn/${version}`)
    await server.call('POST', '/tenants/acme/events', event(2))
    await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 10_000 })
    server.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(server.output()).toContain('"leftInFlight":0')
    expect(receiver.distinct.size).toBe(2)
    await receiver.close()
  })

  it('has everything after a restart, and only its user can read it', async () => {
    const receiver = await startReceiver({ http: true })
    const before = await start()
    await healthy(before)
    await register(before, receiver)
    await receiver.stop()
    await before.call('POST', '/tenants/acme/events', event(1))
    before.kill('SIGKILL')
    expect(await before.ended).not.toBe(0)
    const files = readdirSync(before.volume)
    expect(files).toContain('posthorn.db')
    for (const file of files) {
      const { uid, mode } = lstatSync(join(before.volume, file))
      expect([file, uid, mode & 0o077]).toEqual([file, UID, 0])
    }
    await receiver.start()
    const after = await start({}, before.volume)
    await receiver.waitFor(() => receiver.distinct.size === 1, { timeoutMs: 60_000 })
    after.kill('SIGTERM')
    expect(await after.ended).toBe(0)
    await receiver.close()
  })

  it('cannot write anywhere but in /data, and has no capabilities to change that', async () => {
    const server = await start()
    await healthy(server)
    for (const path of ['/', '/opt/posthorn', '/etc', '/tmp', '/var/tmp', '/usr/local/bin']) {
      const { code, output } = await server.exec(['touch', `${path}/file`])
      expect([path, code, output]).toEqual([path, 1, expect.stringMatching(/Read-only file system|Permission denied/)])
    }
    expect((await server.exec(['touch', '/data/file'])).code).toBe(0)
    const { output } = await server.exec(['cat', '/proc/1/status'])
    const status = Object.fromEntries(output.split('\n').map(line => line.split(/:\s+/)))
    expect(status).toMatchObject({ NoNewPrivs: '1', CapEff: '0000000000000000', CapBnd: '0000000000000000' })
    expect(status.Uid).toBe(Array(4).fill(UID).join('\t'))
    expect(status.Name).toMatch(/^(node|MainThread)$/)
    expect((await server.exec(['cat', '/proc/1/cmdline'])).output.split('\0').slice(0, 4)).toEqual([
      ...image.config.entrypoint,
      'serve',
    ])
  })

  it('is unhealthy while nothing listens, and says why', async () => {
    const server = await start({ args: ['--help'] })
    expect(await server.ended).toBe(0)
    const idle = startContainer(
      { ...image, config: { ...image.config, entrypoint: ['sleep', '20'], cmd: [] } },
      { volumes: { '/data': makeVolume() } },
    )
    containers.push(idle)
    const check = async () => idle.exec(image.config.healthcheck).catch(() => ({ code: null, output: '' }))
    await expect
      .poll(check)
      .toEqual({ code: 1, output: 'http://127.0.0.1:8470/healthz does not respond: ECONNREFUSED\n' })
  })

  it('ends with exit code 2 for a wrong setting, and runs the other commands', async () => {
    const wrong = await start({ env: { POSTHORN_NO_SUCH: '1' } })
    expect(await wrong.ended).toBe(2)
    expect(wrong.output()).toContain('unknown environment variable POSTHORN_NO_SUCH')
    const server = await start()
    await healthy(server)
    expect((await server.exec(['posthorn', '--version'])).output).toBe(`posthorn ${version}\n`)
    const backup = await server.exec(['posthorn', 'backup', '/data/backup.db'])
    expect([backup.code, readdirSync(server.volume).includes('backup.db')]).toEqual([0, true])
    const doctor = await server.exec(['posthorn', 'doctor'])
    expect(doctor.output).toMatch(/\bok\b/)
  })
})

describe('two containers with PostgreSQL, as compose.postgresql.yaml starts them', () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 60_000)
  afterAll(() => postgres?.stop())

  it('wait for the migration, share the work, and lose nothing if one stops', async () => {
    const { services } = await composed('compose.postgresql.yaml')
    const secrets = join(folder, 'postgresql.json')
    const databaseUrl = await postgres.createDatabase('posthorn')
    const encryptionKey = execFileSync('openssl', ['rand', '-base64', '32']).toString().trim()
    writeFileSync(secrets, JSON.stringify({ databaseUrl, apiKey: API_KEY, encryptionKey }), { mode: 0o444 })
    const like = (name: string): Partial<ContainerOptions> => {
      const { environment, command, tmpfs } = services[name]
      return {
        env: { ...environment, POSTHORN_API_KEY: '' },
        files: { '/run/secrets/posthorn.json': secrets },
        tmpfs: tmpfs.map((each: string) => each.split(':')[0]),
        ...(command === undefined || command === null ? {} : { args: command }),
      }
    }
    const migration = await start(like('migrate'))
    expect(await migration.ended).toBe(0)
    expect(migration.output()).toContain('was migrated from schema version 0')
    const receiver = await startReceiver({ http: true })
    const nodes = [await start(like('node-1')), await start(like('node-2'))] as const
    for (const [index, node] of nodes.entries()) {
      const check = services[`node-${index + 1}`].healthcheck.test
      expect(check[0]).toBe('CMD')
      await expect.poll(async () => (await node.exec(check.slice(1))).code, { timeout: 30_000 }).toBe(0)
    }
    await register(nodes[0], receiver)
    for (let index = 0; index < 20; index++) await nodes[index % 2]!.call('POST', '/tenants/acme/events', event(index))
    nodes[0].kill('SIGTERM')
    expect(await nodes[0].ended).toBe(0)
    for (let index = 20; index < 30; index++) await nodes[1].call('POST', '/tenants/acme/events', event(index))
    await receiver.waitFor(() => receiver.distinct.size === 30, { timeoutMs: 30_000 })
    nodes[1].kill('SIGTERM')
    expect(await nodes[1].ended).toBe(0)
    await receiver.close()
  })
})

/** A Compose file as Compose's own loader understands it. */
async function composed(file: string) {
  const { code, stdout, stderr } = await run('compose-config', [join('deploy/compose', file)])
  expect([code, stderr]).toEqual([0, ''])
  return parse(stdout)
}
