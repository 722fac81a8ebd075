import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type RunOptions, runPosthorn } from '../setup.ts'

const vectors = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../server/test/vectors/${name}.json`, import.meta.url), 'utf8'))

const advice: {
  now: string
  cases: { secret: string; warnings: string[]; why: string; types?: string[]; otherEndpointHasIt?: true }[]
} = vectors('advice')
/** What is about the endpoint can't be seen in the secret. */
const CASES = advice.cases.filter(
  ({ types, otherEndpointHasIt }) => types === undefined && otherEndpointHasIt === undefined,
)
const tokens: { invalid: { token?: string; at: number; why: string }[] } = vectors('tokens')

const folder = mkdtempSync(join(tmpdir(), 'posthorn-token-'))
afterAll(() => rmSync(folder, { recursive: true }))

const clock = { now: () => Date.parse(advice.now), monotonicMs: () => 0, after: () => ({ cancel() {} }) }
const inspect = (args: readonly string[], options: RunOptions = {}) =>
  runPosthorn(['token', 'inspect', ...args], { env: { XDG_CONFIG_HOME: folder }, clock, ...options })

describe('token inspect', () => {
  it.each(CASES)('C8: gives the advice of registration: $why', async ({ secret, warnings }) => {
    const { code, stderr, documents } = await inspect(['--json'], { input: `${secret}\n` })
    const [found] = documents() as { allowed: boolean; warnings: { code: string }[] }[]
    expect([code, stderr, found!.allowed]).toEqual([0, '', true])
    expect(found!.warnings.map(each => each.code)).toEqual(warnings)
  })

  it.each(tokens.invalid.filter(({ token }) => token !== undefined && token !== ''))(
    'C7: says where a secret is wrong: $why',
    async ({ token, at }) => {
      const { code, documents } = await inspect(['--json'], { input: token! })
      // One line break at the end is what editors and `echo` add.
      if (/^[^\n]*\n$/.test(token!)) expect(code).toBe(0)
      else expect([code, documents()]).toEqual([1, [expect.objectContaining({ allowed: false, position: at })]])
    },
  )

  it('shows what a JWT says and when it expires, to people, but never the token', async () => {
    const { secret } = CASES.find(({ warnings }) => warnings.includes('token_expires_soon'))!
    const file = join(folder, 'token.txt')
    writeFileSync(file, secret)
    const { code, stdout, stderr } = await inspect([file])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^kind +JWT \(HS256\), not verified\nlength +\d+ characters\nissued .* ago \(2025-05-01 00:00:00Z\)\nexpires +in 29 d \(2026-06-30 00:00:00Z\)\nsub +"web.hook"\n/,
    )
    expect(stdout).toMatch(/token_expires_soon: The token expires at 2026-06-30/)
    for (const part of secret.split('.')) expect(stdout).not.toContain(part)
  })

  it('does not repeat a token that was given as an argument', async () => {
    const { secret } = CASES.at(-2)!
    for (const argument of [secret, `Bearer ${secret}`, 'c2VjcmV0/dG9rZW4=']) {
      const { code, stdout, stderr } = await inspect([argument])
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^posthorn: There is no such file\. If the argument is the token itself/)
      expect(stderr).not.toContain(argument.slice(0, 12))
    }
  })

  it('shows claims that would move the cursor as escapes', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const token = `${encode({ alg: 'none' })}.${encode({ sub: '\u001b[2J\u202e', '\u001b[1m': 1 })}.`
    const { stdout } = await inspect([], { input: token })
    for (const character of ['\u001b', '\u202e']) expect(stdout).not.toContain(character)
  })

  it('does not say that a token never expires if its exp is no time', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const of = (claims: object) => inspect([], { input: `${encode({ alg: 'HS256' })}.${encode(claims)}.c2ln` })
    expect((await of({ exp: 'tomorrow' })).stdout).toMatch(/^expires +not readable: .* \("tomorrow"\)$/m)
    expect((await of({})).stdout).toMatch(/^expires +never$/m)
  })

  it.each(['', '\n'])('refuses an empty token: %j', async input => {
    const { code, stderr } = await inspect([], { input })
    expect([code, stderr]).toEqual([2, 'posthorn: The token is empty. Write it to standard input.\n'])
  })

  it('refuses a folder in a sentence', async () => {
    const { code, stderr } = await inspect([folder])
    expect([code, stderr]).toEqual([2, `posthorn: ${folder} cannot be read: it is a folder.\n`])
  })

  it('refuses what is no text', async () => {
    const { code, stderr } = await inspect([], { input: Uint8Array.of(0xff, 0xfe, 0x00) })
    expect([code, stderr]).toEqual([2, 'posthorn: Standard input is not UTF-8 text.\n'])
  })
})
