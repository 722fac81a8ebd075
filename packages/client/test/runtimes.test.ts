import { execFile, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const CHECK = fileURLToPath(new URL('runtimes/check.ts', import.meta.url))
const SOURCE = fileURLToPath(new URL('../src/', import.meta.url))

/** Node is always available. Bun and Deno are large and optional: put them into PATH to test on them too. */
const RUNTIMES = [
  ['node', process.execPath, [CHECK]],
  ['bun', 'bun', ['run', CHECK]],
  ['deno', 'deno', ['run', '--no-config', '--sloppy-imports', CHECK]],
] as const

describe('the library', () => {
  for (const [name, program, args] of RUNTIMES) {
    const isHere = spawnSync(program, ['--version']).status === 0
    it.skipIf(!isHere)(
      `verifies both signature versions on ${name}${isHere ? '' : ' (skipped: not in PATH)'}`,
      async () => {
        const { stdout } = await promisify(execFile)(program, args)
        expect(JSON.parse(stdout)).toEqual([
          'taken',
          'taken',
          'signature mismatch',
          'signature mismatch',
          'bearer mismatch',
        ])
      },
    )
  }

  it('runs at the edge: imports only its own files and uses no global that only Node has', () => {
    for (const file of readdirSync(SOURCE)) {
      const text = readFileSync(SOURCE + file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
      for (const [, from] of text.matchAll(/(?:from|import\() ?'([^']+)'/g))
        expect(from, file).toMatch(/^\.\/[\w-]+\.ts$/)
      expect(text, file).not.toMatch(/\b(?:Buffer|process|require|setImmediate|global)\b[.(]/)
    }
  })
})
