/** The alert rules and the dashboard against a real Prometheus that scrapes a real Posthorn. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { API_KEY, inPlace, running, SECRET, serve } from '../e2e/process.ts'

const DEPLOY = fileURLToPath(new URL('../../../../deploy', import.meta.url))
const ALERTS = join(DEPLOY, 'prometheus/alerts.yml')
const run = promisify(execFile)

const isThere = (tool: string) => spawnSync(tool, ['--version']).error === undefined
const hasPrometheus = isThere('promtool') && isThere('prometheus')
const WHY = hasPrometheus ? '' : ' (skipped: prometheus and promtool are not in PATH; apt-get install prometheus)'

type Target = { readonly refId: string; readonly expr: string }
type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
  readonly datasource?: { readonly uid: string }
}
type Dashboard = {
  readonly uid: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string }[] }
}

const readDashboard = async () => JSON.parse(await readFile(join(DEPLOY, 'grafana/posthorn.json'), 'utf8')) as Dashboard

/** The query that Grafana sends to Prometheus for the dashboard. */
const filledIn = (expr: string) =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', 'posthorn').replaceAll('$instance', '.*')

/** Every metric name that a rule or a panel uses. */
const namesIn = (text: string) => new Set(text.match(/\b(?:posthorn|process)_[a-z_]+/g))

describe('the dashboard', () => {
  it("is complete: unique ids, panels that don't overlap, queries, and the variables that they use", async () => {
    const { panels, templating, uid, schemaVersion } = await readDashboard()
    expect([uid, schemaVersion]).toEqual(['posthorn', 39])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24)
    const known = new Set(templating.list.map(({ name }) => name))
    for (const { type, title, targets, datasource } of panels) {
      if (type === 'row') continue
      expect(datasource?.uid, title).toMatch(/^\$\{datasource\}$/)
      expect(targets?.length, title).toBeGreaterThan(0)
      for (const { expr } of targets!) {
        for (const [, name] of expr.matchAll(/\$(?!__)(\w+)/g)) expect(known, title).toContain(name)
      }
    }
  })
})

describe.skipIf(!hasPrometheus)(`Prometheus${WHY}`, () => {
  it('accepts the alert rules, and each fires exactly when it should', async () => {
    expect((await run('promtool', ['check', 'rules', ALERTS])).stdout).toContain('SUCCESS')
    const { stdout } = await run('promtool', ['test', 'rules', join(DEPLOY, 'prometheus/alerts.test.yml')])
    expect(stdout).toContain('SUCCESS')
    const rules = await readFile(ALERTS, 'utf8')
    const tests = await readFile(join(DEPLOY, 'prometheus/alerts.test.yml'), 'utf8')
    const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name)
    for (const name of alerts) expect(tests, name).toContain(`name: ${name}`)
    const docs = await readFile(join(DEPLOY, '../docs/operations.md'), 'utf8')
    for (const name of alerts) expect(docs, name).toContain(name)
  }, 60_000)

  it('scrapes Posthorn, and every query of the dashboard and the alerts finds its metrics', async () => {
    await inPlace(async place => {
      const receiver = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        script: ({ path }) => ({ status: path === '/bad' ? 500 : 204 }),
      })
      const server = running(await serve(place, { flags: ['--retry-schedule', '0.2'] }))
      await server.call('PUT', '/tenants/acme', {})
      for (const path of ['good', 'bad']) {
        await server.call('POST', '/tenants/acme/endpoints', { url: `${receiver.url}/${path}`, clientSecret: SECRET })
      }
      const prometheus = await startPrometheus(place.folder, new URL(server.url).host)
      try {
        const publishSome = async () => {
          const payload = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }
          await server.call('POST', '/tenants/acme/events', { type: 'COVER_REFERENCE', payload })
          const [found] = await prometheus.ask('sum(rate(posthorn_deliveries_total{state="exhausted"}[1m]))')
          return Number(found?.value[1] ?? 0)
        }
        await expect.poll(publishSome, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0)
        const { body } = await prometheus.get('/api/v1/label/__name__/values')
        const stored = new Set(body.data as string[])
        const queries = (await readDashboard()).panels.flatMap(({ title, targets = [] }) =>
          targets.map(({ expr }) => [title, expr] as const),
        )
        for (const [title, expr] of queries) {
          const found = await prometheus.ask(filledIn(expr))
          expect(found.length, `${title}: ${expr}`).toBeGreaterThan(0)
        }
        for (const name of namesIn(await readFile(ALERTS, 'utf8'))) expect(stored, name).toContain(name)
        type Rule = { name: string; health: string; lastError?: string; state: string }
        const rules = async () => {
          const answer = await prometheus.get('/api/v1/rules')
          return (answer.body.data.groups as { rules: Rule[] }[]).flatMap(group => group.rules)
        }
        const health = async () => [...new Set((await rules()).map(rule => rule.health))]
        await expect.poll(health, { timeout: 30_000, interval: 500 }).toEqual(['ok'])
        // The bad endpoint uses up its attempts: only that alert fires immediately, and none that wakes people up.
        const ringing = async () => (await rules()).filter(({ state }) => state === 'firing').map(({ name }) => name)
        await expect.poll(ringing, { timeout: 30_000, interval: 500 }).toEqual(['PosthornDeliveriesExhausted'])
      } finally {
        await prometheus.stop()
        await receiver.close()
      }
    })
  }, 150_000)
})

type Sample = { readonly metric: Record<string, string>; readonly value: [number, string] }

async function startPrometheus(folder: string, target: string) {
  const config = join(folder, 'prometheus.yml')
  await writeFile(
    config,
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${JSON.stringify(ALERTS)}]
scrape_configs:
  - job_name: posthorn
    authorization: { credentials: ${API_KEY} }
    static_configs: [{ targets: [${JSON.stringify(target)}] }]
`,
  )
  await run('promtool', ['check', 'config', config])
  const port = await freePort()
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'tsdb')}`]
  const child = spawn('prometheus', [...flags, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`)
    // biome-ignore lint/suspicious/noExplicitAny: JSON as it comes
    return { status: response.status, body: (await response.json().catch(() => ({}))) as any }
  }
  const isReady = () =>
    get('/-/ready').then(
      ({ status }) => status,
      () => 0,
    )
  await expect.poll(isReady, { timeout: 30_000, interval: 200 }).toBe(200)
  return {
    get,
    async ask(query: string): Promise<Sample[]> {
      const { status, body } = await get(`/api/v1/query?query=${encodeURIComponent(query)}`)
      expect([status, body.status], `${query}: ${body.error ?? ''}`).toEqual([200, 'success'])
      return body.data.result
    },
    async stop(): Promise<void> {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** A port that is free now. If another process takes it first, the test fails visibly. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
