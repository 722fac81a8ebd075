/** Disks that are really full. They are mounted for the test, which needs root; `serve.test.ts` has a quota instead. */
import { execFileSync } from 'node:child_process'
import { chownSync, closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, startPostgres } from '@posthorn/testkit'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { StoreReadiness } from '../../src/observe/readiness.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { startNode } from '../cluster/node.ts'
import { inPlace, type ServerProcess, serve } from './process.ts'

const LATE = { timeout: 20_000, interval: 200 }
const mounted: string[] = []
afterEach(() => {
  for (const disk of mounted.splice(0)) {
    execFileSync('umount', ['-l', disk])
    rmdirSync(disk)
  }
})

/** Mounts a disk of this size, in bytes. */
function mountDisk(bytes: number): string {
  const disk = mkdtempSync(join(tmpdir(), 'posthorn-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', disk], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(disk)
    throw error
  }
  mounted.push(disk)
  return disk
}

function canMount(): boolean {
  try {
    const disk = mountDisk(65_536)
    mounted.splice(mounted.indexOf(disk), 1)
    execFileSync('umount', [disk])
    rmdirSync(disk)
    return true
  } catch {
    return false
  }
}

const PAGE = Buffer.alloc(4_096, 1)

/** Fills what is left of a disk, whatever is written to it in the meantime, and returns how to free it again. */
function fill(disk: string): () => void {
  const file = join(disk, 'filler')
  const handle = openSync(file, 'w')
  try {
    for (;;) writeSync(handle, PAGE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(handle)
  }
  return () => rmSync(file)
}

const MIB = 1_048_576
const TYPE = 'COVER_REFERENCE'
const event = (index: number) => ({
  type: TYPE,
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}`, note: 'x'.repeat(100_000) },
})

async function ready(server: ServerProcess, path = '') {
  const response = await fetch(`${server.url}/readyz${path}`)
  return [response.status, await response.json()]
}

describe.runIf(canMount())('a full disk', () => {
  it(
    'takes a node with an embedded store out for publishing, not for reading, until there is room again',
    () =>
      inPlace(async place => {
        const disk = mountDisk(32 * MIB)
        const server = (await serve({ ...place, data: join(disk, 'data') })) as ServerProcess
        await server.call('PUT', '/tenants/acme', {})
        const publish = async (at: number) => (await server.call('POST', '/tenants/acme/events', event(at))).status
        expect(await publish(1)).toBe(202)
        expect(await ready(server)).toEqual([200, { status: 'ready', publishing: 'available', reading: 'available' }])
        const free = fill(disk)
        for (let at = 2; (await publish(at)) !== 503; at++) expect(at).toBeLessThan(500)
        const bad = { status: 'unavailable', publishing: 'unavailable', reading: 'available' }
        expect(await ready(server)).toEqual([503, bad])
        expect(await ready(server, '/publishing')).toEqual([503, bad])
        expect(await ready(server, '/reading')).toEqual([200, { ...bad, status: 'degraded' }])
        expect((await server.call('GET', '/tenants/acme/events?limit=1')).status).toBe(200)
        expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
        free()
        await expect.poll(async () => (await ready(server))[0], LATE).toBe(200)
        expect(await publish(1_000)).toBe(202)
        server.kill('SIGTERM')
        const { code, stdout } = await server.ended
        expect(code).toBe(0)
        expect(stdout.match(/"msg":"the store takes no writes/g)).toHaveLength(1)
        expect(stdout.match(/"msg":"the store takes writes again/g)).toHaveLength(1)
      }),
    60_000,
  )

  it('of the database takes no node out, and each node names publishing', { timeout: 60_000 }, async () => {
    const disk = mountDisk(64 * MIB)
    const server = await startPostgres()
    const { uid, gid } = statSync(`/proc/${server.pid}`)
    chownSync(disk, uid, gid)
    await ask(server.url(), `create tablespace small location '${disk}'`)
    await ask(server.url(), 'create database crowded tablespace small')
    const node = await startNode(server.url('crowded'), { caPem: '' } as Parameters<typeof startNode>[1])
    const readiness = new StoreReadiness(node.store, systemClock, pino({ level: 'silent' }))
    readiness.start()
    await node.tenants.put('acme', {})
    await node.publish('acme', event(1))
    expect(await readiness.check()).toEqual({ publishing: true, reading: true, isReady: true })
    const free = fill(disk)
    let fault: unknown
    for (let at = 2; fault === undefined; at++) {
      expect(at).toBeLessThan(500)
      await node.publish('acme', event(at)).catch(error => {
        fault = error
      })
    }
    expect(fault).toBeInstanceOf(StoreUnavailable)
    const shared = { publishing: false, reading: true, isReady: true }
    // The first trial ends within milliseconds; from then on it is known whose fault it is.
    for (let look = 0; look < 5; look++) expect(await readiness.check()).toEqual(shared)
    expect(await node.store.read('listTenants', { after: null, limit: 1 })).toHaveLength(1)
    free()
    await expect.poll(async () => (await readiness.check()).publishing, LATE).toBe(true)
    await node.publish('acme', event(1_000))
    await readiness.stop()
    await node.stop()
    await server.stop()
  })
})
