import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'

const MODULE = new URL('../../src/base/idle-collection.ts', import.meta.url)
const THREADS = 4
const TIMES = 30

// A server's threads start together, so that they come to it in the same moment, and V8's flags are one for all of them.
test('threads of one process can collect their garbage at the same time', async () => {
  const source = `import(${JSON.stringify(MODULE.href)}).then(({ collectGarbage }) => {
    for (let n = 0; n < ${TIMES}; n++) collectGarbage()
  })`
  const workers = Array.from({ length: THREADS }, () => new Worker(source, { eval: true }))
  const codes = await Promise.all(workers.map(async worker => (await once(worker, 'exit'))[0]))
  expect(codes).toEqual(workers.map(() => 0))
})
