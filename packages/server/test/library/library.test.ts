import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPosthorn, PosthornError, StartRefused } from 'posthorn'
import { describe, expect, it } from 'vitest'
import { call, jsonOf, KEY, PAYLOAD, subscribe, TYPE, useLibrary } from './setup.ts'

// cspell:ignore Bacth prot REFERNCE
const bench = useLibrary()
const INDEX = fileURLToPath(new URL('../../src/index.ts', import.meta.url))

const refusalOf = async (options: unknown): Promise<StartRefused> => {
  const started = await createPosthorn(options as never).then(
    posthorn => posthorn,
    error => error,
  )
  if (started instanceof StartRefused) return started
  await started.close?.()
  throw new Error(`not refused: ${started}`)
}

describe('createPosthorn', () => {
  it('runs two in one process, which deliver to their own endpoints over TLS', async () => {
    const [one, two] = [await bench.start(), await bench.start()]
    const [first, second] = [await bench.receiver(), await bench.receiver()]
    await subscribe(one, first)
    await subscribe(two, second)
    const published = await one.publish('acme', TYPE, PAYLOAD, { key: 'a' })
    expect(published).toEqual({ id: expect.stringMatching(/^evt_/), duplicate: false, deliveries: 1 })
    const other = await two.publish('acme', TYPE, ' {"CoverId": "564200aa-7128-4a26-83a8-cf0201903fcc"} ')
    await first.waitFor(({ distinct }) => distinct.size === 1)
    await second.waitFor(({ distinct }) => distinct.size === 1)
    expect([first.requests[0]!.headers['webhook-id'], first.requests[0]!.body.toString()]).toEqual([
      published.id,
      JSON.stringify(PAYLOAD),
    ])
    const [request] = second.requests
    // Byte for byte, but for white space around it (C5).
    expect([request!.headers['webhook-id'], request!.body.toString()]).toEqual([
      other.id,
      '{"CoverId": "564200aa-7128-4a26-83a8-cf0201903fcc"}',
    ])
  })

  it('refuses a folder that another one uses, until that is closed', async () => {
    const data = bench.newFolder()
    const first = await bench.start({ data })
    const refused = await refusalOf({ data })
    expect(refused.message).toBe(
      `Another Posthorn is using the data folder ${data}: stop it, or choose another folder with data.`,
    )
    await first.close()
    await (await bench.start({ data })).close()
  })

  it('checks all settings, and reports all problems together by the names of the arguments', async () => {
    const { problems, message } = await refusalOf({
      data: '',
      maxBatch: 0,
      maxBacth: 1,
      apiKey: 'short',
      port: 8470,
      processes: 2,
      listen: { prot: 1 },
    })
    expect(problems).toEqual([
      expect.stringContaining('setting listen has an unknown member prot'),
      'setting port is a member of listen: write listen: { port: … }.',
      expect.stringContaining('setting processes: '),
      'setting data must be a non-empty path, not "".',
      expect.stringContaining('setting maxBatch must be a whole number'),
      'unknown setting maxBacth: did you mean maxBatch?',
      expect.stringMatching(/^setting apiKey must be .*not shown/),
    ])
    for (const problem of problems) expect(message).toContain(problem)
    expect(message).not.toContain('short')
    const { message: shared } = await refusalOf({ databaseUrl: 'postgres://127.0.0.1:1/x' })
    expect(shared).toMatch(/^encryptionKey is not set: /)
    expect((await refusalOf({ data: bench.newFolder(), role: 'api' })).message).toContain('or set databaseUrl')
    expect((await refusalOf({ data: bench.newFolder(), dashboardListen: '127.0.0.1:0' })).message).toContain(
      'needs listen',
    )
  })

  it('reads no environment unless it is asked to', async () => {
    // Not a folder: a startup that read it would fail.
    const trap = join(bench.folder, 'trap')
    await writeFile(trap, '')
    process.env.POSTHORN_DATA = trap
    process.env.POSTHORN_MAX_BATCH = 'many'
    bench.later(() => {
      delete process.env.POSTHORN_DATA
      delete process.env.POSTHORN_MAX_BATCH
    })
    await bench.start()
    expect((await refusalOf({ env: process.env })).message).toContain('POSTHORN_MAX_BATCH must be')
    const posthorn = await bench.start({ env: { POSTHORN_MAX_BATCH: '7', POSTHORN_MAX_DEPTH: '9' }, maxBatch: 8 })
    const { data } = (await (await call(posthorn, 'GET', '/v1/settings')).json()) as {
      data: { name: string; value: unknown; source: string; overridden: string[] }[]
    }
    const of = (name: string) => data.find(each => each.name === name)
    expect(of('maxBatch')).toMatchObject({ value: 8, source: 'argument', overridden: ['environment'] })
    expect(of('maxDepth')).toMatchObject({ value: 9, source: 'environment' })
  })

  it('listens only if it is asked to', async () => {
    expect((await bench.start()).url).toBeNull()
    const listening = await bench.start({ listen: { port: 0 } })
    expect(listening.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await fetch(`${listening.url}/readyz`)).status).toBe(200)
  })

  it('makes no root key by itself: without apiKey, no key works', async () => {
    const messages: string[] = []
    const posthorn = await bench.start({ apiKey: undefined, messages: { write: text => messages.push(text) } })
    expect((await call(posthorn, 'GET', '/v1/tenants')).status).toBe(401)
    expect(messages.join('')).toContain('A new encryption key was created')
    expect(messages.join('')).not.toContain('API key')
  })

  it('logs where it is told to', async () => {
    const lines: string[] = []
    const posthorn = await bench.start({ log: { write: line => lines.push(line) } })
    await posthorn.close()
    expect(lines.map(line => JSON.parse(line).msg)).toEqual(expect.arrayContaining(['started', 'stopping', 'stopped']))
  })
})

describe('publish', () => {
  it('throws what the API would refuse, with its code and fields', async () => {
    const posthorn = await bench.start({ maxBodyBytes: 1024 })
    await call(posthorn, 'PUT', '/v1/tenants/acme', {})
    const refused = async (...args: unknown[]) => {
      const error = await posthorn.publish(...(args as [string, string, unknown])).catch(thrown => thrown)
      expect(error).toBeInstanceOf(PosthornError)
      const { code, fields } = error as PosthornError
      return [code, fields.map(({ field }) => field)]
    }
    expect(await refused('unknown', TYPE, PAYLOAD)).toEqual(['not_found', []])
    expect(await refused(undefined, TYPE, PAYLOAD)).toEqual(['not_found', []])
    expect(await refused('acme', 'COVER_REFERNCE', PAYLOAD)).toEqual(['invalid', ['/type']])
    expect(await refused('acme', undefined, PAYLOAD)).toEqual(['invalid', ['/type']])
    expect(await refused('acme', TYPE, undefined)).toEqual(['invalid', ['/payload']])
    expect(await refused('acme', TYPE, 1n)).toEqual(['invalid', ['/payload']])
    expect(await refused('acme', TYPE, PAYLOAD, { key: '' })).toEqual(['invalid', ['/key']])
    expect(await refused('acme', TYPE, '{"CoverId":"\ud83d"}')).toEqual(['invalid', ['/payload']])
    expect(await refused('acme', TYPE, { CoverId: 'x'.repeat(1024) })).toEqual(['body_too_large', []])
    await posthorn.publish('acme', TYPE, PAYLOAD, { key: 'k' })
    expect(await posthorn.publish('acme', TYPE, PAYLOAD, { key: 'k' })).toMatchObject({ duplicate: true })
    const other = { CoverId: '564200aa-7128-4a26-83a8-000000000000' }
    expect(await refused('acme', TYPE, other, { key: 'k' })).toEqual(['idempotency_conflict', ['/key']])
  })

  it.each([
    ['{"CoverId":"a"},"key":"stolen"'],
    ['1,"payload":2'],
    ['\ufeff{}'],
    [''],
    [Buffer.from([0x22, 0xff, 0x22])],
  ])('refuses a text that is not one JSON value: %j', async payload => {
    const posthorn = await bench.start()
    await call(posthorn, 'PUT', '/v1/tenants/acme', {})
    const error = await posthorn.publish('acme', TYPE, payload).catch(thrown => thrown)
    expect([error.code, error.fields[0]?.field]).toEqual(['invalid', '/payload'])
  })

  it('refuses a transaction on the embedded store in words', async () => {
    const posthorn = await bench.start()
    const tx = { query: async () => ({ rows: [] }) }
    const error = await posthorn.publish('acme', TYPE, PAYLOAD, { tx }).catch(thrown => thrown)
    expect([error.code, error.message]).toEqual(['not_implemented', expect.stringContaining('databaseUrl')])
    const lost = await posthorn.publish('acme', TYPE, PAYLOAD, { tx: undefined } as never).catch(thrown => thrown)
    expect(lost.code).toBe('not_implemented')
  })
})

describe('close', () => {
  it('stores what was being published, refuses what comes later, and can be called twice', async () => {
    const data = bench.newFolder()
    const posthorn = await bench.start({ data })
    await call(posthorn, 'PUT', '/v1/tenants/acme', {})
    const publishing = Array.from({ length: 20 }, () => posthorn.publish('acme', TYPE, PAYLOAD))
    const closing = posthorn.close()
    const late = posthorn.publish('acme', TYPE, PAYLOAD).catch(thrown => thrown)
    expect(posthorn.close()).toBe(closing)
    const stored = await Promise.all(publishing)
    await closing
    expect(await late).toMatchObject({ name: 'PosthornError', code: 'shutting_down' })
    expect((await posthorn.publish('acme', TYPE, PAYLOAD).catch(thrown => thrown)).code).toBe('shutting_down')
    const response = await call(posthorn, 'GET', '/healthz')
    expect([response.status, response.headers.get('retry-after'), (await jsonOf(response)).code]).toEqual([
      503,
      '1',
      'shutting_down',
    ])
    const again = await bench.start({ data })
    const { data: events } = (await (await call(again, 'GET', '/v1/tenants/acme/events')).json()) as {
      data: { id: string }[]
    }
    expect(events.map(({ id }) => id).sort()).toEqual(stored.map(({ id }) => id).sort())
  })

  it('sends what was pending after the next start', async () => {
    const data = bench.newFolder()
    const receiver = await bench.receiver()
    await receiver.stop()
    const first = await bench.start({ data, retrySchedule: [0.2, 0.2, 0.2] })
    await subscribe(first, receiver)
    const { id } = await first.publish('acme', TYPE, PAYLOAD)
    await first.close()
    await receiver.start()
    await bench.start({ data, retrySchedule: [0.2, 0.2, 0.2] })
    await receiver.waitFor(({ requests }) => requests.some(({ headers }) => headers['webhook-id'] === id))
  })

  it('leaves no listener on the process, and lets it end by itself', { timeout: 90_000 }, async () => {
    const program = `
      import { createPosthorn } from ${JSON.stringify(INDEX)}
      const count = () => Object.fromEntries(process.eventNames().map(name => [String(name), process.listenerCount(name)]))
      const before = count()
      const environment = JSON.stringify(process.env)
      const posthorn = await createPosthorn({
        data: ${JSON.stringify(bench.newFolder())}, apiKey: '${KEY}', log: process.stderr, logLevel: 'warn',
      })
      const during = count()
      const headers = { authorization: 'Bearer ${KEY}', 'content-type': 'application/json' }
      const made = await posthorn.fetch('http://posthorn/v1/tenants/acme', { method: 'PUT', headers, body: '{}' })
      await posthorn.publish('acme', '${TYPE}', ${JSON.stringify(PAYLOAD)})
      const metrics = await posthorn.fetch('http://posthorn/metrics', { headers })
      await posthorn.close()
      console.log(JSON.stringify({
        before, during, after: count(), statuses: [made.status, metrics.status],
        isSame: environment === JSON.stringify(process.env), report: process.report.excludeEnv,
      }))
    `
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '' },
    })
    bench.later(() => child.kill('SIGKILL'))
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    const { before, during, after, statuses, isSame, report } = JSON.parse(out)
    expect([during, after]).toEqual([before, before])
    expect([statuses, isSame, report]).toEqual([[201, 200], true, false])
  })

  it('closes at the end of the block it was created for', async () => {
    const data = bench.newFolder()
    {
      await using posthorn = await createPosthorn({ data })
      expect(posthorn.url).toBeNull()
    }
    await (await bench.start({ data })).close()
  })
})
