/**
 * The examples in the OpenAPI document. They are recorded from real calls and compared with the files next to the routes;
 * after a change, `npx vitest run packages/server/test/api/examples -u` writes them again.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallExample, Examples } from '../../../src/api/http/examples.ts'
import type { Route, Routes } from '../../../src/api/http/routes.ts'
import { RESOURCES } from '../../../src/api/resource-list.ts'
import { ok, warn } from '../../../src/base/findings.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { settingsInEffect } from '../../../src/config/in-effect.ts'
import { checkerOf } from '../answer-checker.ts'
import { ApiBench, type Json } from '../setup.ts'
import { Recorder } from './recorder.ts'
import { SCENES } from './scenes.ts'

const bench = new ApiBench()
const recorded = new Map<string, string>()
let operations: { id: string; method: string; path: string; operation: Json }[]

const METRICS = `# HELP posthorn_attempts_total Finished attempts, by outcome.
# TYPE posthorn_attempts_total counter
posthorn_attempts_total{outcome="success"} 1874
posthorn_attempts_total{outcome="failure"} 12
`

const FINDINGS = [
  ok('schema', 'schema version 4; this Posthorn uses 4'),
  warn(
    'disk',
    '1.4 GiB free',
    'free some space: on a full disk, no event is accepted (503) and no delivery is settled',
  ),
]

function someSettings() {
  const env = { POSTHORN_API_KEY: 'an-example-not-a-real-key', POSTHORN_PORT: '443' }
  const loaded = loadConfig({ flags: { '--port': ['8443'] }, env, readFile: () => '' })
  if (!loaded.ok) throw new Error(loaded.problems.join())
  const shown = ['port', 'apiKey', 'targetPorts']
  return settingsInEffect(loaded.config, loaded.origins).filter(({ key }) => shown.includes(key))
}

beforeAll(async () => {
  const settings = someSettings()
  const checks = async () => ({ findings: FINDINGS, checkedAtMs: Date.now(), durationMs: 184 })
  const metrics = async () => ({ type: 'text/plain; version=0.0.4; charset=utf-8', text: METRICS })
  await bench.openApi({}, { metrics, checks, settings: () => settings, version: '1.0.0' })
  const recorder = new Recorder(bench)
  for (const [file, scene] of Object.entries(SCENES)) {
    await scene(recorder)
    recorded.set(file, `${JSON.stringify(recorder.take(), null, 2)}\n`)
  }
  operations = Object.entries(bench.document.paths).flatMap(([path, item]) =>
    Object.entries(item as Json).map(([method, operation]: [string, Json]) => {
      return { id: operation.operationId, method: method.toUpperCase(), path, operation }
    }),
  )
}, 60_000)
afterAll(() => bench.closeApi())

const examples: Examples = Object.assign({}, ...RESOURCES.map(resource => resource.examples))

describe('the examples of the document', () => {
  it.each(Object.keys(SCENES))('in %s.examples.json are what the API responds', async file => {
    await expect(recorded.get(file)).toMatchFileSnapshot(`../../../src/api/resources/${file}.examples.json`)
  })

  it('are of the calls of their own resource', () => {
    for (const resource of RESOURCES) {
      const own: string[] = []
      const add = (_path: string, { operationId }: Route) => void own.push(operationId)
      const routes: Routes = { get: add, post: add, put: add, patch: add, delete: add }
      resource.add(routes, {} as never, { egressAddresses: [] } as never)
      expect(Object.keys(resource.examples).sort()).toEqual(own.sort())
    }
  })

  it('show every call: its body, its required parameters and its response', () => {
    for (const { id, operation } of operations) {
      const own = examples[id] ?? []
      expect(own.length, `${id}: record it in test/api/examples/scenes.ts`).toBeGreaterThan(0)
      const { parameters = [], requestBody, responses } = operation
      for (const { in: place, name, required, example } of parameters) {
        if (place === 'path' || required) expect(example, `${id} ${name}`).toBeDefined()
      }
      const [media] = Object.values<Json>(requestBody?.content ?? {})
      if (requestBody?.required === true) expect(media.example ?? media.examples, id).toBeDefined()
      for (const { status } of own) {
        const [content] = Object.values(responses[status].content ?? {}) as Json[]
        if (content !== undefined) expect(content.example ?? content.examples, `${id} ${status}`).toBeDefined()
      }
    }
  })

  it('satisfy the schemas of parameters, bodies and responses', () => {
    const checker = checkerOf({}, () => bench.document)
    const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true, date: true, uri: true } })
    ajv.addSchema({ $id: 'https://test/openapi', ...bench.document })
    const check = (what: string, schema: Json, value: unknown) => {
      const text = JSON.stringify(schema).replaceAll('"#/', '"https://test/openapi#/')
      const validate = ajv.compile(JSON.parse(text))
      expect([what, validate(value), validate.errors]).toEqual([what, true, null])
    }
    for (const { id, method, path, operation } of operations) {
      for (const { path: given = {}, query = {}, body, status, response } of examples[id]!) {
        for (const { name, schema, in: place, example } of operation.parameters ?? []) {
          if (example !== undefined) check(`${id} ${name}`, schema, example)
          const value = (place === 'path' ? given : query)[name]
          if (value !== undefined) check(`${id} ${name}`, schema, schema.type === 'integer' ? Number(value) : value)
        }
        const [sent] = Object.values<Json>(operation.requestBody?.content ?? {})
        if (body !== undefined) check(`${id} body`, sent.schema, body)
        const type = Object.keys(operation.responses[status].content ?? {})[0] ?? ''
        const isText = typeof response === 'string'
        const answer = { status, type, body: isText ? undefined : response, text: isText ? response : '' }
        expect([id, checker.check(method, path, answer)]).toEqual([id, []])
      }
    }
  })

  it('C14: have secrets that say that they are none', () => {
    const secrets: string[] = []
    const visit = (name: string, value: Json): void => {
      if (typeof value === 'object' && value !== null) {
        for (const [key, inner] of Object.entries(value)) visit(key, inner)
      } else if (typeof value === 'string' && (/secret$/i.test(name) || /^(whsec|phk)_/.test(value))) {
        // Warnings say by its name which secret expires.
        if (value !== 'clientSecret') secrets.push(value)
      }
    }
    visit('', [examples, bench.document.paths])
    const plain = secrets.map(text => (text.startsWith('whsec_') ? atob(text.slice('whsec_'.length)) : text))
    expect(plain.length).toBeGreaterThan(2)
    for (const text of plain) expect(text).toMatch(/example.*not.a.real/)
  })

  it('name each call once in an operation with several', () => {
    for (const [id, calls] of Object.entries(examples) as [string, CallExample[]][]) {
      const titles = calls.map(({ title }) => title)
      expect([id, new Set(titles).size]).toEqual([id, calls.length])
    }
  })
})
