import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountToRunAs, createAuthority, type Postgres, startPostgres } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { connectionOptions } from '../../src/store/postgres/connection.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { inPlace, refused, running, serve } from '../e2e/process.ts'

const ENCRYPTION_KEY = Buffer.alloc(32, 5).toString('base64')

let folder: string
let server: Postgres
let url: string
let [rightCa, wrongCa] = ['', '']

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-tls-'))
  const [right, wrong] = await Promise.all([createAuthority(), createAuthority()])
  const { certPem, keyPem } = await right.issue({ names: ['localhost'] })
  const put = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }
  const [cert, key] = [put('server.crt', certPem), put('server.key', keyPem)]
  rightCa = put('right.pem', right.caPem)
  wrongCa = put('wrong.pem', wrong.caPem)
  const account = accountToRunAs()
  if (account) for (const file of [folder, cert, key]) chownSync(file, account.uid, account.gid)
  server = await startPostgres({ settings: { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key } })
  url = (await server.createDatabase('secure')).replace('@127.0.0.1:', '@localhost:')
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Whether the connection is encrypted, as the server reports it, or the error code that connecting failed with. */
async function encrypted(parameters: string, host = 'localhost'): Promise<unknown> {
  try {
    const driver = await openPostgres(`${url.replace('@localhost:', `@${host}:`)}?${parameters}`, systemClock)
    const { ssl } = await driver.durability()
    await driver.close()
    return ssl
  } catch (error) {
    const { cause, message } = error as Error
    return (cause as NodeJS.ErrnoException | undefined)?.code ?? message
  }
}

describe('TLS to the database', () => {
  it.each([
    ['sslmode=disable', () => '', 'off'],
    ['sslmode=require', () => '', 'on'],
    ['sslmode=no-verify', () => '', 'on'],
    ['sslmode=require and the right authority', () => `sslmode=require&sslrootcert=${rightCa}`, 'on'],
    ['sslmode=require and the wrong authority', () => `sslmode=require&sslrootcert=${wrongCa}`, /SIGNATURE|CERT/],
    ['sslmode=verify-ca and the right authority', () => `sslmode=verify-ca&sslrootcert=${rightCa}`, 'on'],
    ['sslmode=verify-full and the right authority', () => `sslmode=verify-full&sslrootcert=${rightCa}`, 'on'],
    [
      'sslmode=verify-full and the wrong authority',
      () => `sslmode=verify-full&sslrootcert=${wrongCa}`,
      /SIGNATURE|CERT/,
    ],
    ['sslmode=verify-full and no authority', () => 'sslmode=verify-full', /SIGNATURE|CERT/],
    ['sslrootcert alone is verified', () => `sslrootcert=${wrongCa}`, /SIGNATURE|CERT/],
  ])('%s', async (name, parameters, expected) => {
    expect(await encrypted(parameters() || name)).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    )
  })

  it("verify-full checks the host name too, verify-ca and require don't", async () => {
    const modes = ['verify-full', 'verify-ca', 'require']
    const found = await Promise.all(modes.map(mode => encrypted(`sslmode=${mode}&sslrootcert=${rightCa}`, '127.0.0.1')))
    expect(found).toEqual(['ERR_TLS_CERT_ALTNAME_INVALID', 'on', 'on'])
  })

  it.each([
    ['postgres://a,b/db', 'several hosts'],
    ['postgres://a/db?sslmode=prefer', 'sslmode=prefer is not one of'],
    ['postgres://a/db?sslmode=verify-ca', 'needs sslrootcert'],
    ['postgres://a/db?sslmode=verify-full&sslrootcert=/nowhere.pem', 'the sslrootcert file cannot be read'],
  ])('%s is refused with an explanation', (wrong, sentence) => {
    expect(() => connectionOptions(wrong)).toThrow(sentence)
  })

  it('serve starts with the right authority, and explains the error with the wrong one', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const env = (ca: string) => ({
        POSTHORN_DATABASE_URL: `${url}?sslmode=verify-full&sslrootcert=${ca}`,
        POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY,
      })
      const { code, stderr } = refused(await serve(place, { env: env(wrongCa) }))
      expect([code, stderr]).toEqual([1, expect.stringContaining('its certificate is not trusted')])
      const node = running(await serve(place, { env: env(rightCa) }))
      expect((await node.call('PUT', '/tenants/acme', {})).status).toBe(201)
      node.kill('SIGTERM')
      await node.ended
    }),
  )
})
