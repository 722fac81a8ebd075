import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Metrics, writeMetrics } from '../../src/observe/metrics.ts'

const PAGE = new URL('../../../../docs/operations.md', import.meta.url)

it('docs/operations.md lists exactly the metrics of Posthorn', async () => {
  const store = async () => ({ pending: 0, oldestPendingSeconds: 0, backlog: 0, lagSeconds: 0, setAside: 0 })
  const metrics = new Metrics({ version: '1.2.3', unsettled: () => 0, store })
  metrics.attach({
    engine: () => ({ inFlight: 0, partitions: 0, lanes: { ordinary: 0, ordered: 0, cautious: 0 } }),
    failedAuthentications: () => 0,
    connections: () => 0,
    closedConnections: () => ({ address: 0, key: 0, port: 0, slow: 0 }),
    mismatches: () => 0,
  })
  const text = await writeMetrics(await metrics.gather([await metrics.snapshot()]))
  const there = [...text.matchAll(/^# TYPE (posthorn_\w+) /gm)].map(match => match[1]!)
  const rows = readFileSync(PAGE, 'utf8').match(/^\| `posthorn_.*$/gm) ?? []
  // The first cell of a row contains the names.
  const named = rows.flatMap(row => [...row.split(' | ')[0]!.matchAll(/`(posthorn_\w+)/g)].map(match => match[1]!))
  expect(there.length).toBeGreaterThan(15)
  expect([...named].sort()).toEqual([...new Set(there)].sort())
})
