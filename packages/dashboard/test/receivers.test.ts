/** `npm run test:examples` runs the receivers themselves. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { outlineOf } from '../src/catalogue/outline.ts'
import { LANGUAGES, type LanguageId, receiverFor, typescriptOf } from '../src/catalogue/receiver-code.ts'

const TYPE = {
  name: 'COVER_STATUS_CHANGED',
  schema: { type: 'object', required: ['coverId'], properties: { coverId: { type: 'string' } } },
}

function has(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('the code for a type', () => {
  const nasty = { name: '*/ x', schema: { required: ['a"\'*/\u2028\\u000a$b\\'] } }

  test.each(LANGUAGES)('of $name has the type’s name and first required member', language => {
    const code = receiverFor(language, TYPE)
    expect(code).toContain('COVER_STATUS_CHANGED')
    expect(code).toContain('coverId')
    expect(code).not.toMatch(/COVER_REFERENCE|CoverId/)
  })

  const checks: Partial<Record<LanguageId, readonly string[]>> = {
    javascript: [process.execPath, '--check'],
    python: ['python3', '-m', 'py_compile'],
    go: ['gofmt', '-e'],
    php: ['php', '-l'],
  }

  test.each(LANGUAGES.filter(({ id }) => has(checks[id]?.[0] ?? '')))(
    'of $name can be read by its compiler whatever the names are',
    async language => {
      const folder = await mkdtemp(join(tmpdir(), 'receiver-'))
      const file = join(folder, language.file)
      await writeFile(file, receiverFor(language, nasty))
      const [command = '', ...rest] = checks[language.id]!
      expect(() => execFileSync(command, [...rest, file], { stdio: 'pipe' })).not.toThrow()
      await rm(folder, { recursive: true })
    },
  )

  test('of Java leaves a name out that could end its comment', () => {
    const java = LANGUAGES.find(({ id }) => id === 'java')!
    expect(receiverFor(java, nasty)).toContain('The payload is JSON: read it')
  })

  test('has the payload’s type in TypeScript', () => {
    const schema = {
      type: 'object',
      required: ['id', 'lines'],
      properties: {
        id: { type: 'integer' },
        state: { enum: ['on', "o'ff"] },
        lines: { type: 'array', items: { type: 'object', properties: { 'a b': { type: ['string', 'null'] } } } },
        tags: { type: 'array', items: { type: 'string' } },
        way: { oneOf: [{ properties: { a: { type: 'string' } } }, { properties: { b: { const: true } } }] },
        any: {},
      },
    }
    expect(typescriptOf(outlineOf(schema))).toBe(
      '{ id: number; state?: "on" | "o\'ff"; lines: Array<{ "a b"?: string | null }>; tags?: Array<string>; ' +
        'way?: { a?: string } | { b?: true }; any?: unknown }',
    )
  })
})
