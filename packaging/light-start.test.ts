/** The router as it is in the package, next to the one that was installed. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withoutCompiling } from './light-start.ts'
import { ROOT } from './root.ts'

type Router = {
  on(method: string, path: string, handler: () => void): void
  find(method: string, path: string): { handler: () => void; params: Record<string, string> } | null
}
type MakeRouter = () => Router

const require = createRequire(join(ROOT, 'package.json'))
const INSTALLED = dirname(createRequire(require.resolve('fastify')).resolve('find-my-way'))
const CHANGED = ['lib/node.js', 'lib/handler-storage.js']

let folder: string
let installed: MakeRouter
let changed: MakeRouter
beforeAll(() => {
  // Where what it requires is found.
  const cache = join(ROOT, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'light-start-'))
  const copy = join(folder, 'find-my-way')
  cpSync(INSTALLED, copy, { recursive: true })
  for (const file of CHANGED) {
    const path = join(copy, file)
    writeFileSync(path, withoutCompiling(path, readFileSync(path, 'utf8')))
  }
  installed = require(INSTALLED)
  changed = require(copy)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const word = fc.stringMatching(/^[ab]{1,3}$/)
const route = fc
  .array(fc.oneof(word, fc.constantFrom(':id', ':other', ':id-:other', 'a-long-piece-of-a-path')), { maxLength: 5 })
  .map(parts => `/${parts.join('/')}`)
const request = fc
  .array(fc.oneof(word, fc.constantFrom('a-b', 'a-long-piece-of-a-path', 'x%20y', '')), { maxLength: 6 })
  .map(parts => `/${parts.join('/')}`)

describe('the router of the package', () => {
  test('finds the same routes with the same parameters as the one that compiles functions', () => {
    fc.assert(
      fc.property(fc.array(route, { maxLength: 12 }), fc.array(request, { maxLength: 12 }), (routes, requests) => {
        const found = [installed(), changed()].map(router => {
          for (const [index, path] of routes.entries()) {
            try {
              router.on(
                'GET',
                path,
                Object.defineProperty(() => {}, 'name', { value: String(index) }),
              )
            } catch {
              // Two of them are the same.
            }
          }
          return [...routes, ...requests].map(path => {
            const { handler, params } = router.find('GET', path) ?? {}
            return [handler?.name, JSON.stringify(params)]
          })
        })
        expect(found[1]).toEqual(found[0])
      }),
    )
  })

  test('is refused by the build if it is another version, whose code the changes do not fit', () => {
    expect(() => withoutCompiling('/x/find-my-way/lib/node.js', 'const LONG_PREFIX_MIN_LENGTH = 8')).toThrow(
      'change packaging/light-start.ts',
    )
    expect(withoutCompiling('/x/find-my-way/lib/other.js', 'as it was')).toBe('as it was')
  })
})
