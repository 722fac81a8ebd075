import { execFile, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiBench, KEY } from '../../server/test/api/setup.ts'

const CHECK = fileURLToPath(new URL('runtimes/check.ts', import.meta.url))
const CLIENT_CHECK = fileURLToPath(new URL('runtimes/check-client.ts', import.meta.url))
const SOURCE = fileURLToPath(new URL('../src/', import.meta.url))

/** Node is always available. Bun and Deno are large and optional: put them into PATH to test on them too. */
const RUNTIMES = [
  ['node', process.execPath, []],
  ['bun', 'bun', ['run']],
  ['deno', 'deno', ['run', '--no-config', '--sloppy-imports', '--allow-net', '--allow-env']],
] as const

const bench = new ApiBench()
let url: string
beforeAll(async () => {
  await bench.openApi()
  url = await bench.api.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => bench.closeApi())

describe('the library', () => {
  for (const [name, program, args] of RUNTIMES) {
    const isHere = spawnSync(program, ['--version']).status === 0
    it.skipIf(!isHere)(
      `verifies both signature versions on ${name}${isHere ? '' : ' (skipped: not in PATH)'}`,
      async () => {
        const { stdout } = await promisify(execFile)(program, [...args, CHECK])
        expect(JSON.parse(stdout)).toEqual([
          'taken',
          'taken',
          'signature mismatch',
          'signature mismatch',
          'bearer mismatch',
        ])
      },
    )
    it.skipIf(!isHere)(`calls the API on ${name}${isHere ? '' : ' (skipped: not in PATH)'}`, async () => {
      const { stdout } = await promisify(execFile)(program, [...args, CLIENT_CHECK, url, KEY])
      expect(JSON.parse(stdout)).toEqual({
        keys: ['c', 'b', 'a'],
        ends: ['export', 'end'],
        codes: ['not_found', 'timed_out', 'connection_failed'],
        reason: 'AbortError',
        isShown: false,
      })
    })
  }

  it('runs at the edge: imports only its own files and uses no global that only Node has', () => {
    const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
    // The executable is for Node, and nothing else imports it.
    for (const file of files.filter(name => !name.startsWith('command/'))) {
      const text = readFileSync(SOURCE + file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
      for (const [, from] of text.matchAll(/(?:from|import\() ?'([^']+)'/g)) {
        // The component for React is for those who have React.
        if (file === 'portal-react.ts' && from === 'react') continue
        expect(from, file).toMatch(/^\.\.?\/(?!command\/)[\w/-]+\.ts$/)
      }
      expect(text, file).not.toMatch(/\b(?:Buffer|process|require|setImmediate|global)\b[.(]/)
    }
  })
})
