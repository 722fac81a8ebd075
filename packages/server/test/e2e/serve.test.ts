import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { createAuthority, startHostileReceiver, startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { inPlace, refused, running, SECRET, serve } from './process.ts'

const event = (index: number) => ({
  type: 'COVER_REFERENCE',
  id: `key-${index}`,
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
})

describe('posthorn serve', () => {
  it('C13: loses no event when it is killed repeatedly under heavy load', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
      let server = running(await serve(place))
      await server.call('PUT', '/tenants/acme', {})
      await server.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
      const accepted = new Set<string>()
      const batches = 60
      for (let batch = 0; batch < batches; batch++) {
        const events = Array.from({ length: 100 }, (_, index) => event(batch * 100 + index))
        // Repeat with the same ids until there is a response, as a publisher does when the connection breaks.
        for (;;) {
          try {
            const { status, body } = await server.call<{ data: { id: string }[] }>(
              'POST',
              '/tenants/acme/events',
              events,
            )
            expect(status).toBe(202)
            for (const { id } of body.data) accepted.add(id)
            break
          } catch {
            await server.ended
            server = running(await serve(place))
          }
        }
        if (batch % 12 === 5) server.kill('SIGKILL')
      }
      expect(accepted.size).toBe(batches * 100)
      await receiver.waitFor(() => receiver.distinct.size >= accepted.size, { timeoutMs: 30_000 })
      const arrived = new Set([...receiver.distinct].map(each => each.split(' ')[0]))
      expect([...accepted].filter(id => !arrived.has(id))).toEqual([])
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
      await receiver.close()
    }),
  )

  it('C13: responds with 503 while its disk is full, and delivers every event that it accepted', () =>
    inPlace(async place => {
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
      await receiver.stop()
      const full = running(await serve(place, { fileLimit: 2_000, flags: ['--retry-schedule', '1,1,1,1,1'] }))
      await full.call('PUT', '/tenants/acme', {})
      await full.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
      const accepted = new Set<string>()
      let isFull = false
      for (let batch = 0; batch < 100 && !isFull; batch++) {
        const events = Array.from({ length: 100 }, (_, index) => event(batch * 100 + index))
        const { status, body, headers } = await full.call<{ data: { id: string }[]; code?: string }>(
          'POST',
          '/tenants/acme/events',
          events,
        )
        isFull = status === 503
        if (isFull) {
          expect(body.code).toBe('store_unavailable')
          expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
        } else for (const { id } of body.data) accepted.add(id)
      }
      expect(isFull).toBe(true)
      expect((await full.call('GET', '/tenants/acme/deliveries?limit=1')).status).toBe(200)
      const readiness = async (path: string) => (await fetch(`${full.url}/readyz${path}`)).status
      expect([await readiness(''), await readiness('/publishing'), await readiness('/reading')]).toEqual([
        503, 503, 200,
      ])
      full.kill('SIGKILL')
      await full.ended
      await receiver.start()
      const server = running(await serve(place, { flags: ['--retry-schedule', '1,1,1,1,1'] }))
      const arrived = () => new Set([...receiver.distinct].map(each => each.split(' ')[0]))
      await receiver.waitFor(() => [...accepted].every(id => arrived().has(id)), { timeoutMs: 20_000 })
      server.kill('SIGTERM')
      await server.ended
      await receiver.close()
    }))

  it('C14: writes the secret neither to the data folder nor to its output, and hashes the API key', () =>
    inPlace(async place => {
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
      const server = running(await serve(place, { env: { POSTHORN_API_KEY: '' } }))
      const key = /shown only once: (\S+)/.exec(server.output())?.[1]
      expect(key).toMatch(/^phk_/)
      const call = (method: string, path: string, body: unknown) =>
        fetch(`${server.url}/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      await call('PUT', '/tenants/acme', {})
      const made = await call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
      expect(await made.text()).not.toContain(SECRET)
      await call('POST', '/tenants/acme/events', event(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      server.kill('SIGTERM')
      const { stdout } = await server.ended
      expect(stdout).not.toContain(key)
      expect(server.output()).not.toContain(SECRET)
      const keyFile = join(place.data, 'encryption.key')
      const encryptionKey = (await readFile(keyFile, 'utf8')).trim()
      expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
      expect((await stat(place.data)).mode & 0o777).toBe(0o700)
      expect(server.output()).not.toContain(encryptionKey)
      for (const file of await readdir(place.data)) {
        const bytes = await readFile(join(place.data, file))
        if (file !== 'encryption.key') {
          expect(bytes.includes(encryptionKey), file).toBe(false)
          expect(bytes.includes(Buffer.from(encryptionKey, 'base64')), file).toBe(false)
        }
        expect(bytes.includes(SECRET), file).toBe(false)
        expect(bytes.includes(key!), file).toBe(false)
      }
      await receiver.close()
    }))

  it('C14: keeps no secrets of a deleted endpoint or tenant', () =>
    inPlace(async place => {
      const server = running(await serve(place))
      const register = async (tenant: string) => {
        await server.call('PUT', `/tenants/${tenant}`, {})
        const body = { url: 'https://localhost:8443/', clientSecret: SECRET }
        return (await server.call<{ id: string }>('POST', `/tenants/${tenant}/endpoints`, body)).body.id
      }
      await server.call('DELETE', `/tenants/acme/endpoints/${await register('acme')}`)
      await register('gone')
      await server.call('DELETE', '/tenants/gone')
      server.kill('SIGTERM')
      await server.ended
      const database = new DatabaseSync(join(place.data, 'posthorn.db'))
      const rows = database.prepare('select credentials, secret_digest from endpoint').all()
      database.close()
      expect(rows).toHaveLength(2)
      for (const row of rows) expect({ ...row }).toEqual({ credentials: null, secret_digest: null })
    }))

  it('C3 C4 C10 C11 C12: applies its settings', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const other = await createAuthority('Another authority')
      const otherCa = join(place.folder, 'other.pem')
      await writeFile(otherCa, other.caPem)
      const failing = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        script: () => ({ status: 500 }),
      })
      const trusted = await startReceiver({ authority: other, names: ['localhost'] })
      const silent = await startHostileReceiver({ authority: place.authority, kind: 'hang' })
      const deaf = await startHostileReceiver({ authority: place.authority, kind: 'hang_tls' })
      const flags = [
        '--api-version',
        '4.1',
        '--egress-addresses',
        '192.0.2.7',
        '--target-ports',
        '8443',
        '--retry-schedule',
        '1000',
        '--response-timeout-ms',
        '700',
        '--connect-timeout-ms',
        '1000',
      ]
      const server = running(await serve(place, { flags, env: { NODE_EXTRA_CA_CERTS: otherCa } }))
      await server.call('PUT', '/tenants/acme', {})
      const register = async (url: string) =>
        (await server.call<{ id: string }>('POST', '/tenants/acme/endpoints', { url, clientSecret: SECRET })).body.id
      const endpoints = {
        failing: await register(failing.url),
        trusted: await register(trusted.url),
        silent: await register(silent.url),
        deaf: await register(deaf.url),
      }
      await server.call(
        'POST',
        '/tenants/acme/events',
        Array.from({ length: 10 }, (_, index) => event(index)),
      )

      type Attempted = {
        id: string
        state: string
        nextAttemptAt: string
        attempts: { startedAt: string; durationMs: number; error: string | null }[]
      }
      /** The deliveries to an endpoint, once each has had its first attempt. */
      const attempted = async (endpoint: string): Promise<Attempted[]> => {
        const list = `/tenants/acme/deliveries?endpoint=${endpoint}`
        type List = { data: { id: string; attemptCount: number }[] }
        const counts = async () => (await server.call<List>('GET', list)).body.data.map(each => each.attemptCount)
        await expect.poll(counts, { timeout: 25_000 }).toEqual(Array(10).fill(1))
        const { data } = (await server.call<List>('GET', list)).body
        return Promise.all(
          data.map(async ({ id }) => (await server.call<Attempted>('GET', `/tenants/acme/deliveries/${id}`)).body),
        )
      }
      const errors = async (endpoint: string) => [
        ...new Set((await attempted(endpoint)).map(({ attempts }) => attempts[0]!.error)),
      ]
      expect(await errors(endpoints.trusted)).toEqual([null])
      expect(await errors(endpoints.silent)).toEqual(['response_timeout'])
      expect(await errors(endpoints.deaf)).toEqual(['connect_timeout'])

      const { headers } = trusted.requests[0]!
      expect(headers).toMatchObject({
        'x-apiversion': '4.1',
        'user-agent': expect.stringMatching(/^Posthorn\/\d+\.\d+\.\d+$/),
      })

      // Each delay has up to a tenth added at random.
      const waitsMs = (await attempted(endpoints.failing)).map(({ nextAttemptAt, attempts: [first] }) => {
        return Date.parse(nextAttemptAt) - Date.parse(first!.startedAt) - first!.durationMs
      })
      expect(Math.min(...waitsMs)).toBeGreaterThanOrEqual(999_995)
      expect(Math.max(...waitsMs)).toBeLessThan(1_101_000)
      expect(Math.max(...waitsMs) - Math.min(...waitsMs)).toBeGreaterThan(1_000)

      const egress = await fetch(`${server.url}/.well-known/posthorn-egress.json`)
      expect(await egress.json()).toEqual({ addresses: ['192.0.2.7'] })
      await server.call('PUT', '/tenants/silent', {})
      const onPort = async (port: number) => {
        const body = { url: `https://93.184.215.14:${port}/`, clientSecret: SECRET }
        return (await server.call('POST', '/tenants/silent/endpoints', body)).status
      }
      expect([await onPort(8443), await onPort(443), await onPort(9443)]).toEqual([201, 422, 422])
      server.kill('SIGTERM')
      await server.ended
      await Promise.all([failing, trusted, silent, deaf].map(receiver => receiver.close()))
    }),
  )

  it('C3: refuses endpoints on its own machine if it is not in development mode', () =>
    inPlace(async place => {
      const server = running(await serve(place, { dev: false }))
      expect(server.output()).not.toContain('DEVELOPMENT')
      await server.call('PUT', '/tenants/acme', {})
      for (const url of ['https://localhost:8443/', 'https://127.0.0.1:8443/', 'http://93.184.215.14:8443/']) {
        const body = { url, clientSecret: SECRET }
        expect((await server.call('POST', '/tenants/acme/endpoints', body)).status, url).toBe(422)
      }
      server.kill('SIGTERM')
      await server.ended
    }))

  it("C13: lets attempts in flight finish on shutdown, and doesn't repeat them", () =>
    inPlace(async place => {
      const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>()
      const receiver = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        script: () => mayAnswer,
      })
      const before = running(await serve(place))
      await before.call('PUT', '/tenants/acme', {})
      await before.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
      await before.call('POST', '/tenants/acme/events', event(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      before.kill('SIGTERM')
      await expect.poll(before.output, { timeout: 5_000 }).toContain('"msg":"stopping"')
      answer()
      expect((await before.ended).code).toBe(0)
      const after = running(await serve(place))
      const { body } = await after.call<{ data: object[] }>('GET', '/tenants/acme/deliveries')
      expect(body.data).toMatchObject([{ state: 'delivered', attemptCount: 1 }])
      expect(receiver.total).toBe(1)
      after.kill('SIGTERM')
      await after.ended
      await receiver.close()
    }))

  it('C13 C14: refuses a second process on its folder, a wrong key, a missing key and a newer file', () =>
    inPlace(async place => {
      const first = running(await serve(place))
      const second = refused(await serve(place))
      expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('Another Posthorn') })
      first.kill('SIGKILL')
      await first.ended
      const otherKey = Buffer.alloc(32, 9).toString('base64')
      const wrong = refused(await serve(place, { env: { POSTHORN_ENCRYPTION_KEY: otherKey } }))
      expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('does not match this data') })
      const keyFile = join(place.data, 'encryption.key')
      const key = await readFile(keyFile)
      await promisify(execFile)('rm', [keyFile])
      expect(refused(await serve(place)).stderr).toContain('missing')
      await writeFile(keyFile, key)
      const database = new DatabaseSync(join(place.data, 'posthorn.db'))
      database.exec(`update meta set value = '999' where key like 'schema_%'`)
      database.close()
      expect(refused(await serve(place)).stderr).toContain('newer Posthorn')
    }))

  it('C12: keeps to the retry schedule across a restart', () =>
    inPlace(async place => {
      let isUp = false
      const receiver = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        script: () => ({ status: isUp ? 204 : 503 }),
      })
      const flags = ['--retry-schedule', '1,1,1']
      const before = running(await serve(place, { flags }))
      await before.call('PUT', '/tenants/acme', {})
      await before.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
      await before.call('POST', '/tenants/acme/events', event(1))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 5_000 })
      before.kill('SIGTERM')
      expect((await before.ended).code).toBe(0)
      isUp = true
      const after = running(await serve(place, { flags }))
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 8_000 })
      const [first, second] = receiver.requests
      expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id'])
      expect(second!.receivedAtMs - first!.receivedAtMs).toBeGreaterThanOrEqual(1_000)
      after.kill('SIGTERM')
      await after.ended
      await receiver.close()
    }))

  it('shows a generated key even if it then cannot listen, and accepts the key after the next startup', () =>
    inPlace(async place => {
      const taken = running(await serve({ ...place, data: join(place.folder, 'other') }))
      const port = new URL(taken.url).port
      const unset = { POSTHORN_API_KEY: '' }
      const first = refused(await serve(place, { env: unset, flags: ['--port', port] }))
      expect(first).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot listen on') })
      const key = /shown only once: (\S+)/.exec(first.stderr)?.[1]
      expect(first.stderr).toContain('A new encryption key was created')
      taken.kill('SIGTERM')
      const second = running(await serve(place, { env: unset }))
      expect(second.output()).not.toContain('shown only once')
      const answer = await fetch(`${second.url}/v1/tenants`, { headers: { authorization: `Bearer ${key}` } })
      expect(answer.status).toBe(200)
      second.kill('SIGTERM')
      await Promise.all([taken.ended, second.ended])
    }))

  it('stops when the drain timeout is over, even with open connections', () =>
    inPlace(async place => {
      const server = running(await serve(place, { flags: ['--drain-timeout-ms', '200'] }))
      const { hostname, port } = new URL(server.url)
      const heads = ['', 'GET /v1/ten', 'POST /v1/tenants/a/events HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{']
      const sockets = await Promise.all(
        heads.map(async head => {
          const socket = connect(Number(port), hostname)
          socket.on('error', () => {})
          await once(socket, 'connect')
          socket.write(head)
          return socket
        }),
      )
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
      for (const socket of sockets) socket.destroy()
    }))

  it('C13: on SIGTERM, every call whose events were stored still gets its response', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const server = running(await serve(place))
      await server.call('PUT', '/tenants/acme', {})
      const body = Array.from({ length: 200 }, (_, at) => ({ ...event(at), id: undefined }))
      let accepted = 0
      let isOver = false
      const underWay = Promise.withResolvers<void>()
      const publishing = Array.from({ length: 16 }, async () => {
        while (!isOver) {
          const answer = await server.call('POST', '/tenants/acme/events', body).catch(() => undefined)
          if (answer?.status === 202) accepted++
          else return
          if (accepted > 50) underWay.resolve()
        }
      })
      await underWay.promise
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
      isOver = true
      await Promise.all(publishing)
      const database = new DatabaseSync(join(place.data, 'posthorn.db'))
      const { stored } = database.prepare('select count(*) as stored from event').get() as { stored: number }
      database.close()
      expect(stored).toBe(accepted * body.length)
    }),
  )
})
