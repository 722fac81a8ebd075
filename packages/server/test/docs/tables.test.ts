import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ATTEMPT_ERRORS } from '../../src/base/model.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

describe('docs', () => {
  it('contract.md lists every rule, and names tests whose names begin with the rule', () => {
    const rows = new Map(
      [...read('../../../../docs/contract.md').matchAll(/^\| (C\d+) \| (.*) \|$/gm)].map(m => [m[1]!, m[2]!]),
    )
    expect([...rows.keys()]).toEqual(Array.from({ length: 15 }, (_, index) => `C${index + 1}`))
    for (const [rule, row] of rows) {
      const files = [...row.matchAll(/`([\w./-]+\.test\.ts)`/g)].map(m => m[1]!)
      if (files.length === 0) expect(row, rule).toContain('*later*')
      const name = new RegExp(`['"\`](?:C\\d+ )*${rule}\\b`)
      for (const file of files) {
        expect(existsSync(new URL(`../${file}`, import.meta.url)), file).toBe(true)
        expect(read(`../${file}`), `${rule}: a test of that name in ${file}`).toMatch(name)
      }
    }
  })

  it('deliveries.md explains every attempt error', () => {
    const [errors] = read('../../../../docs/deliveries.md').split('### Details')
    const explained = [...errors!.matchAll(/^\| `(\w+)` \|[^|]*\|[^|]*\|$/gm)].map(m => m[1])
    expect(explained).toEqual([...ATTEMPT_ERRORS])
  })

  it('SECURITY.md names at least one test per line, and only tests that exist', () => {
    const lines = [...read('../../../../SECURITY.md').matchAll(/^\| (?!---|can't \||with \|)(.*) \|$/gm)].map(
      m => m[1]!,
    )
    expect(lines.length).toBeGreaterThan(25)
    for (const line of lines) {
      const named = [...line.matchAll(/`([\w/-]+\.test\.ts)` "([^"]+)"/g)]
      expect(named.length, line).toBeGreaterThan(0)
      for (const [, file, title] of named) expect(read(`../../../${file}`), `${file}: ${title}`).toContain(title)
    }
  })

  it('receivers.md has a source and a test with real sockets in each row, and only tests that exist', () => {
    const rows = [...read('../../../../docs/receivers.md').matchAll(/^\| (?!---|what they do)(.*) \|$/gm)].map(
      m => m[1]!,
    )
    expect(rows.length).toBeGreaterThan(28)
    for (const row of rows) {
      const [, , source, tests] = row.split(' | ')
      expect(source, row).toMatch(/^(?:\[[^\]]+\]\(https:\/\/(?:github\.com|www\.rfc-editor\.org)\/[^)]+\)(?:, |$))+$/)
      const named = [...tests!.matchAll(/`([\w/-]+\.test\.ts)` "([^"]+)"(?:; |$)/g)]
      expect(named.map(([text]) => text).join(''), row).toBe(tests)
      for (const [, file, title] of named)
        expect(isTitleIn(read(`../../../${file}`), title!), `${file}: ${title}`).toBe(true)
    }
  })
})

/** Whether a test's title is in the source: quoted, and whole. */
const isTitleIn = (text: string, title: string) => [`'`, '"', '`'].some(quote => text.includes(quote + title + quote))
