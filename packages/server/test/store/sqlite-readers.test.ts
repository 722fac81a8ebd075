import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, expect, it } from 'vitest'
import { prepareStore } from '../../src/server/preparation.ts'
import { openSqlite } from '../../src/store/sqlite/driver.ts'
import { newWorkers, type Workers } from '../../src/store/sqlite/thread.ts'
import { Store } from '../../src/store/store.ts'
import { HandClock } from '../hand-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'posthorn-readers-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Counts the threads that are in use. */
function countedWorkers() {
  const used = new Set<Worker>()
  const workers: Workers = {
    take() {
      const worker = newWorkers.take()
      used.add(worker)
      return worker
    },
    giveBack(worker) {
      used.delete(worker)
      newWorkers.giveBack(worker)
    },
  }
  return { used, workers }
}

it('the thread that reads for people ends when no one has read for a minute, and another takes its place', async () => {
  const clock = new HandClock()
  const { used, workers } = countedWorkers()
  const store = new Store(await openSqlite(join(folder, 'one'), clock, workers), clock)
  const readForPeople = () => store.read('checkTenant', { tenant: 'acme' })
  try {
    await prepareStore(store, clock)
    // One that writes, and one that reads for the engine.
    expect(used.size).toBe(2)
    await readForPeople()
    expect(used.size).toBe(3)
    clock.turn(40_000)
    await readForPeople()
    clock.turn(40_000)
    expect(used.size).toBe(3)
    clock.turn(20_000)
    await expect.poll(() => used.size).toBe(2)
    await readForPeople()
    expect(used.size).toBe(3)
  } finally {
    await store.close()
  }
  expect([used.size, clock.waits]).toEqual([0, []])
})
