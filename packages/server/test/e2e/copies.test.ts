import { copyFile, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { inPlace, type Place, running, SECRET, type ServerProcess, serve, start } from './process.ts'

const event = (index: number) => ({
  type: 'COVER_REFERENCE',
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
})

const posthorn = (place: Place, args: readonly string[], env: Record<string, string> = {}) =>
  start(place, args, env).ended

async function withEndpoint(server: ServerProcess, url: string): Promise<void> {
  await server.call('PUT', '/tenants/acme', {})
  await server.call('POST', '/tenants/acme/endpoints', { url, clientSecret: SECRET })
}

describe('posthorn backup and restore', () => {
  it(
    'copy a store completely while it is written to, and the restored store sends the pending deliveries',
    { timeout: 90_000 },
    () =>
      inPlace(async place => {
        const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
        // The first attempt might fail before the copy is made: the next one must not be half a minute away then.
        let server = running(await serve(place, { flags: ['--retry-schedule', '3,3,3,3,3,3,3,3,3,3'] }))
        await withEndpoint(server, receiver.url)
        let isOver = false
        let accepted = 0
        const acceptedBefore: number[] = []
        const flood = (async () => {
          for (let at = 0; !isOver; at += 50) {
            const events = Array.from({ length: 50 }, (_, index) => event(at + index))
            expect((await server.call('POST', '/tenants/acme/events', events)).status).toBe(202)
            accepted += 50
          }
        })()
        // If the test fails before `flood` is awaited, its own error is the one to report.
        flood.catch(() => {})
        const copies = ['one', 'two'].map(name => join(place.folder, `${name}.db`))
        for (const copy of copies) {
          await expect.poll(() => accepted).toBeGreaterThan((acceptedBefore.at(-1) ?? 0) + 200)
          acceptedBefore.push(accepted)
          const made = await posthorn(place, ['backup', copy, '--data', place.data])
          expect(made.stderr).toContain('does NOT contain')
          expect(made.code, made.stderr).toBe(0)
          expect((await stat(copy)).mode & 0o777).toBe(0o600)
        }
        isOver = true
        await flood
        for (const [index, copy] of copies.entries()) {
          const database = new DatabaseSync(copy, { readOnly: true })
          const { n } = database.prepare('select count(*) as n from event').get() as { n: number }
          const { owed } = database
            .prepare('select (select count(*) from live_delivery) + (select count(*) from delivery) as owed')
            .get() as { owed: number }
          database.close()
          // The copy has everything that was acknowledged before it began, and is of one moment.
          expect(n).toBeGreaterThanOrEqual(acceptedBefore[index]!)
          expect(owed).toBe(n)
        }
        // No unfinished file is left, and the copy doesn't contain the key.
        expect((await readdir(place.folder)).filter(name => name.includes('unfinished'))).toEqual([])
        const key = await readFile(join(place.data, 'encryption.key'), 'utf8')
        expect((await readFile(copies[1]!)).includes(Buffer.from(key.trim(), 'base64'))).toBe(false)

        // The next copy has a pending delivery.
        await receiver.stop()
        const pending = (await server.call<{ id: string }>('POST', '/tenants/acme/events', event(1))).body.id
        const last = join(place.folder, 'last.db')
        expect((await posthorn(place, ['backup', last, '--data', place.data])).code).toBe(0)
        server.kill('SIGKILL')
        await server.ended

        const restored = { ...place, data: join(place.folder, 'restored') }
        const done = await posthorn(place, ['restore', last, '--data', restored.data])
        expect(done.code, done.stderr).toBe(0)
        expect(done.stderr).toMatch(/put it into .*encryption\.key/)
        await copyFile(join(place.data, 'encryption.key'), join(restored.data, 'encryption.key'))
        await receiver.start()
        server = running(await serve(restored, { flags: ['--retry-schedule', '0.1,0.1,0.1'] }))
        await receiver.waitFor(() => [...receiver.distinct].some(each => each.startsWith(pending)), {
          timeoutMs: 30_000,
        })
        // The restored store was not taken for one after a crash.
        expect(server.output()).not.toContain('crash')
        server.kill('SIGTERM')
        await server.ended
        await receiver.close()
      }),
  )

  it('refuse what is not possible, and say what to do', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const server = running(await serve(place))
      const copy = join(place.folder, 'copy.db')
      const backup = (file: string, data = place.data, env = {}) =>
        posthorn(place, ['backup', file, '--data', data], env)
      const restore = (file: string, data: string, env = {}) => posthorn(place, ['restore', file, '--data', data], env)
      expect((await backup(copy)).code).toBe(0)
      const refusals: [Promise<{ code: number | null; stderr: string }>, RegExp][] = [
        [backup(copy), /already exists/],
        [backup(join(place.folder, 'x.db'), join(place.folder, 'nowhere')), /There is no Posthorn/],
        [backup(join(place.folder, 'no', 'x.db')), /could not be created/],
        [backup('x.db', place.data, { POSTHORN_DATABASE_URL: 'postgres://localhost/x' }), /pg_dump/],
        [restore(copy, place.data), /Another Posthorn is using/],
        [restore(join(place.folder, 'none.db'), join(place.folder, 'a')), /it does not exist/],
      ]
      for (const [refusal, words] of refusals) {
        const { code, stderr } = await refusal
        expect([code, stderr]).toEqual([1, expect.stringMatching(words)])
      }
      server.kill('SIGTERM')
      await server.ended
      expect((await restore(copy, place.data)).stderr).toMatch(/already contains a store/)
      const damaged = join(place.folder, 'damaged.db')
      await copyFile(copy, damaged)
      await truncate(damaged, 50_000)
      const text = join(place.folder, 'text.db')
      await writeFile(text, 'no database, '.repeat(500))
      for (const file of [damaged, text]) {
        const { code, stderr } = await restore(file, join(place.folder, 'b'))
        expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot be used/)])
      }
      // The folder has another key than the copy.
      const other = join(place.folder, 'other')
      await mkdir(other)
      await writeFile(join(other, 'encryption.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`)
      expect((await restore(copy, other)).stderr).toMatch(/does not match this data/)
      expect(await readdir(other)).toEqual(['encryption.key'])
    }),
  )
})

describe('posthorn doctor', () => {
  const levels = (stdout: string) =>
    Object.fromEntries(
      [...stdout.matchAll(/^(ok|warn|fail) +(configuration|[\w-]+(?: key)?) {2,}/gm)].map(([, level, part]) => [
        part,
        level,
      ]),
    )

  it(
    'passes all checks with and without a running server, and reports what is wrong and what to do',
    { timeout: 120_000 },
    () =>
      inPlace(async place => {
        const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
        const server = running(await serve(place))
        await withEndpoint(server, receiver.url)
        const { id } = (await server.call<{ id: string }>('POST', '/tenants/acme/events', event(1))).body
        await receiver.waitFor(() => receiver.distinct.size > 0, { timeoutMs: 30_000 })
        const doctor = (...args: string[]) =>
          posthorn(place, ['doctor', '--data', place.data, '--dev', '--extra-ca', place.ca, ...args])
        const well = await doctor('--full', '--target', receiver.url)
        expect(well.stdout).toContain('All checks passed')
        expect(well.code).toBe(0)
        const parts = levels(well.stdout)
        const looked = [
          'configuration',
          'disk',
          'folder',
          'server',
          'store',
          'schema',
          'durability',
          'integrity',
          'clock',
        ]
        for (const part of [...looked, 'encryption key', 'DNS', 'consistency', 'egress'])
          expect(parts, part).toHaveProperty(part, 'ok')
        expect(well.stdout).toContain('a server is using this folder')
        server.kill('SIGTERM')
        expect((await server.ended).code).toBe(0)

        const alone = await doctor()
        expect([alone.code, alone.stdout]).toEqual([0, expect.stringContaining('no server is using this folder')])

        const breaks = new DatabaseSync(join(place.data, 'posthorn.db'))
        breaks.exec(`update event set deliveries = 2, created_ms = created_ms; update tenant set endpoint_count = 7`)
        breaks.close()
        // The event is less than a minute old: the check leaves such recent rows for the next time.
        const broken = await doctor('--full')
        expect(broken.code).toBe(1)
        expect(broken.stdout).toMatch(
          /fail +consistency +tenant_endpoints acme of acme: it has 1 endpoints but records 7/,
        )
        expect(broken.stdout).toContain('→ ')
        expect(broken.stdout).not.toContain(id)

        const wrong = await posthorn(place, ['doctor', '--data', place.data, '--target', 'https://10.0.0.1/'], {
          POSTHORN_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
        })
        expect(wrong.code).toBe(1)
        expect(wrong.stdout).toMatch(/fail +encryption key .*does not match this data/)
        expect(wrong.stdout).toMatch(/fail +egress +https:\/\/10\.0\.0\.1\/ is refused/)
        expect(wrong.stdout).toMatch(/warn +key file/)
        const nowhere = await posthorn(place, ['doctor', '--data', join(place.folder, 'nowhere'), '--port', 'x'])
        expect([nowhere.code, nowhere.stdout]).toEqual([1, expect.stringMatching(/fail +configuration .*--port/)])
        await receiver.stop()
        const unreachable = await doctor('--target', receiver.url)
        expect(unreachable.stdout).toMatch(/fail +egress .*connect_refused/)
        await receiver.close()
      }),
  )
})
