import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiBench, KEY } from '../../server/test/api/setup.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const bench = new ApiBench()
let folder: string
let url: string

beforeAll(async () => {
  // Where the examples find the package by its name.
  const cache = `${PACKAGE}../../node_modules/.cache`
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(`${cache}/client-docs-`)
  await bench.openApi()
  url = await bench.api.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await bench.closeApi()
})

/** Runs the JavaScript of a page, all blocks in one module. Returns what it prints. */
async function run(page: string): Promise<string> {
  const text = readFileSync(`${PACKAGE}${page}`, 'utf8')
  const code = [...text.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, block]) => block)
  expect(code.length).toBeGreaterThan(0)
  const file = `${folder}/example.mjs`
  writeFileSync(file, code.join('\n'))
  const env = { ...process.env, POSTHORN_URL: url, POSTHORN_KEY: KEY }
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env })
  return stdout
}

describe('the examples', () => {
  it('of the guide run, from the first to the last', async () => {
    const printed = await run('../../docs/client.md')
    expect(printed).toMatch(/^Keep this: it is not shown again\. whsec_/)
    expect(printed).toMatch(/^evt_\w+ 1$/m)
    expect(printed).toMatch(/^dlv_\w+ pending$/m)
    expect(printed).toMatch(/^\/clientSecret .*position/m)
    expect(printed).toMatch(/^0 failures$/m)
  })

  it('of the README run', async () => {
    const countOf = async () => (await bench.get('/v1/tenants/acme/events?counts=true')).body.counts.total
    const before = await countOf()
    await expect(run('README.md')).resolves.toBe('')
    expect(await countOf()).toBe(before + 1)
  })
})
