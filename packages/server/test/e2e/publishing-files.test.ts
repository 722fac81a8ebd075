import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { API_KEY, inPlace, type Place, running, serve } from './process.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

function publishing(place: Place, url: string, args: readonly string[]) {
  const child = spawn(process.execPath, [CLI, 'publish', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
      XDG_STATE_HOME: join(place.folder, 'state'),
      XDG_CONFIG_HOME: join(place.folder, 'config'),
      POSTHORN_URL: url,
      POSTHORN_API_KEY: API_KEY,
      POSTHORN_TENANT: 'acme',
    },
  })
  place.children.push(child)
  // A command that has ended reads no more.
  child.stdin.on('error', () => {})
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
    ([[code, signal], stdout, stderr]) => ({ code: code as number | null, signal, stdout, stderr }),
  )
  return { child, ended }
}

type Run = { readonly counts: { readonly accepted: number }; readonly last: { readonly number: number } | null }

const runsOf = (place: Place) => join(place.folder, 'state/posthorn/publish')
const readRun = (place: Place, run: string): Run => JSON.parse(readFileSync(join(runsOf(place), `${run}.json`), 'utf8'))

/** Waits until a run has noted that many accepted events. */
async function noted(place: Place, run: string, accepted: number): Promise<void> {
  mkdirSync(runsOf(place), { recursive: true })
  const watcher = watch(runsOf(place))
  try {
    const isReached = () => {
      try {
        return readRun(place, run).counts.accepted >= accepted
      } catch {
        return false
      }
    }
    while (!isReached()) await once(watcher, 'change')
  } finally {
    watcher.close()
  }
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, at) => {
    const payload = `{"CoverId":"564200aa-7128-4a26-83a8-${String(at).padStart(12, '0')}","n":${at}.0}`
    return `{"type":"COVER_REFERENCE","payload":${payload}}\n`
  }).join('')

/** How many events there are, how many different ones, and one of them, as it is stored. */
function stored(place: Place) {
  const database = new DatabaseSync(join(place.data, 'posthorn.db'), { readOnly: true })
  const row = database.prepare('select count(*) n, count(distinct payload) d, min(payload) first from event').get()!
  database.close()
  return { events: row.n, different: row.d, first: Buffer.from(row.first as Uint8Array).toString() }
}

describe('a file of events', { timeout: 120_000 }, () => {
  it('C5, C8: is published once each, although publishing it is killed twice and the server once', () =>
    inPlace(async place => {
      const COUNT = 12_000
      const file = join(place.folder, 'events.ndjson')
      writeFileSync(file, lines(COUNT))
      let server = running(await serve(place))
      await server.call('PUT', '/tenants/acme', {})
      const { port } = new URL(server.url)

      const first = publishing(place, server.url, ['--file', file, '--run', 'all', '--rate', '2500'])
      await noted(place, 'all', 1)
      first.child.kill('SIGKILL')
      expect((await first.ended).signal).toBe('SIGKILL')
      const afterFirst = readRun(place, 'all').counts.accepted
      expect(afterFirst).toBeLessThan(COUNT)

      const second = publishing(place, server.url, ['--resume', 'all'])
      await noted(place, 'all', afterFirst + 1)
      second.child.kill('SIGKILL')
      await second.ended
      expect(readRun(place, 'all').counts.accepted).toBeLessThan(COUNT)

      const third = publishing(place, server.url, ['--resume', 'all', '--json'])
      await noted(place, 'all', readRun(place, 'all').counts.accepted + 1)
      server.kill('SIGKILL')
      await server.ended
      server = running(await serve(place, { flags: ['--port', port] }))
      const { code, stdout, stderr } = await third.ended
      expect([code, stderr]).toEqual([0, expect.stringContaining('responds again')])
      expect(stderr.match(/does not respond/g)).toHaveLength(1)
      expect(JSON.parse(stdout)).toMatchObject({
        run: 'all',
        finished: true,
        accepted: COUNT,
        duplicates: 0,
        refused: 0,
      })
      server.kill('SIGTERM')
      await server.ended
      expect(stored(place)).toEqual({
        events: COUNT,
        different: COUNT,
        first: '{"CoverId":"564200aa-7128-4a26-83a8-000000000000","n":0.0}',
      })
    }))

  it('C8: from standard input is continued after Ctrl-C by the command that is shown', () =>
    inPlace(async place => {
      const COUNT = 2_000
      const server = running(await serve(place))
      await server.call('PUT', '/tenants/acme', {})
      const first = publishing(place, server.url, ['--rate', '500'])
      // Not all of it, and it doesn't end: the command waits for more.
      first.child.stdin.write(lines(1_000))
      const [said] = (await once(first.child.stderr, 'data')) as [Buffer]
      const run = /^Run (\S+)\.$/m.exec(said.toString())![1]!
      await noted(place, run, 1)
      first.child.kill('SIGINT')
      const { code, stdout, stderr } = await first.ended
      expect(code).toBe(130)
      expect(stdout).toMatch(/^Lines up to \d+: \d+ accepted\. \d+ s\.\n$/)
      expect(stderr).toContain(`Continue:\n  … | posthorn publish --resume ${run}\n`)

      const other = publishing(place, server.url, ['--resume', run])
      other.child.stdin.end(lines(2_000).replaceAll('564200aa', '564200ab'))
      expect(await other.ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/line \d+ differs/) })

      const second = publishing(place, server.url, ['--resume', run, '--rate', '100000', '--json'])
      second.child.stdin.end(lines(COUNT))
      const end = await second.ended
      expect([end.code, JSON.parse(end.stdout)]).toEqual([
        0,
        expect.objectContaining({ accepted: COUNT, duplicates: 0 }),
      ])
      server.kill('SIGTERM')
      await server.ended
      expect(stored(place)).toMatchObject({ events: COUNT, different: COUNT })
    }))
})
