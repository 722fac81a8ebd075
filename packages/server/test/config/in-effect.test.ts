import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Environment, type Flags, loadConfig } from '../../src/config/config.ts'
import { settingsInEffect } from '../../src/config/in-effect.ts'
import {
  flagName,
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  SHARED_SETTINGS,
  variableName,
} from '../../src/config/settings.ts'

const FILE = '/etc/posthorn.json'

function inEffect(given: { flags?: Flags; env?: Environment; file?: object }) {
  const { flags = {}, env = {}, file } = given
  const named = file === undefined ? {} : { POSTHORN_CONFIG: FILE }
  const loaded = loadConfig({ flags, env: { ...named, ...env }, readFile: () => JSON.stringify(file) })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  return settingsInEffect(loaded.config, loaded.origins)
}

const oneOf = (given: Parameters<typeof inEffect>[0], key: string) => inEffect(given).find(each => each.key === key)!

const anIssuer = (clientSecret: string) => ({
  id: 'login',
  issuer: 'https://login.example.com',
  clientId: 'posthorn',
  clientSecret,
  grants: [{ claim: 'groups', value: 'operators', scope: 'all' }],
})

/** A value as it is written in the environment. */
const asVariable = (value: unknown): string =>
  Array.isArray(value) && typeof value[0] === 'object' ? JSON.stringify(value) : [value].flat().join(',')

/** A valid value of each secret setting that contains a random text. */
const SECRETS = fc.record(
  {
    databaseUrl: fc.stringMatching(/^[a-zA-Z0-9]{12,30}$/).map(text => `postgres://posthorn:${text}@db.internal/p`),
    listenUrl: fc.stringMatching(/^[a-zA-Z0-9]{12,30}$/).map(text => `postgresql://posthorn:${text}@10.0.0.1/p`),
    smtpUrl: fc.stringMatching(/^[a-zA-Z0-9]{12,30}$/).map(text => `smtps://user:${text}@mail.internal`),
    apiKey: fc.stringMatching(/^[A-Za-z0-9._~+/-]{16,60}$/),
    encryptionKey: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('base64')),
    olderEncryptionKeys: fc
      .array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { minLength: 1, maxLength: 3 })
      .map(keys => keys.map(key => Buffer.from(key).toString('base64'))),
    singleSignOn: fc.stringMatching(/^[a-zA-Z0-9]{12,30}$/).map(clientSecret => [anIssuer(clientSecret)]),
    proxy: fc.stringMatching(/^[a-zA-Z0-9]{12,30}$/).map(text => `http://user:${text}@proxy.internal:3128`),
  },
  { requiredKeys: [] },
)

describe('the settings in effect', () => {
  it('are all settings, each with its source, and the sources that it overrides', () => {
    const given = {
      flags: { '--port': ['1'], '--dev': true },
      env: { POSTHORN_PORT: '2', POSTHORN_MAX_BATCH: '3' },
      file: { port: 4, maxBatch: 5, maxDepth: 6 },
    }
    expect(inEffect(given).map(({ key }) => key)).toEqual(SETTING_KEYS)
    expect(oneOf(given, 'port')).toMatchObject({ value: 1, source: 'flag', overridden: ['environment', 'file'] })
    expect(oneOf(given, 'maxBatch')).toMatchObject({ value: 3, source: 'environment', overridden: ['file'] })
    expect(oneOf(given, 'maxDepth')).toMatchObject({ value: 6, source: 'file', overridden: [], byDefault: 64 })
    expect(oneOf(given, 'maxInFlight')).toMatchObject({ value: 1024, source: 'default', overridden: [] })
    expect(oneOf(given, 'config')).toMatchObject({ value: FILE, source: 'environment' })
    expect(oneOf(given, 'dev')).toMatchObject({ value: true, byDefault: false })
  })

  it('are shown as they would be written in the file, so that the same file leads to the same settings', () => {
    const file = {
      port: 8443,
      targetPorts: ['443', '1024-2000'],
      noProxy: ['.example.com', '[2001:db8::/32]:8443', '10.2.0.0/16'],
      allowTarget: ['10.2.0.0/16'],
      retrySchedule: [1, 2.5],
      disableAfterDays: 0.5,
      dev: true,
      logLevel: 'warn',
    }
    const shown = inEffect({ file }).filter(({ value, key }) => value !== null && key !== 'config')
    const written = Object.fromEntries(shown.map(({ key, value }) => [key, value]))
    expect(written).toMatchObject(file)
    const again = inEffect({ file: written }).filter(({ key }) => key in written)
    expect(again.map(({ key, value }) => [key, value])).toEqual(Object.entries(written))
    expect(again.every(({ source }) => source === 'file')).toBe(true)
  })

  it('C14: show no secret, whatever it is and wherever it comes from', () => {
    const kinds = SETTING_KEYS.filter(key => (SETTINGS[key] as Setting<unknown>).kind.secret)
    const shapes = SECRETS.filter(secrets => Object.keys(secrets).length > 0)
    const all = {
      databaseUrl: 1,
      listenUrl: 1,
      smtpUrl: 1,
      singleSignOn: 1,
      apiKey: 1,
      encryptionKey: 1,
      olderEncryptionKeys: 1,
      proxy: 1,
    }
    expect(kinds.sort(), 'every secret setting is tried').toEqual(Object.keys(all).sort())
    fc.assert(
      fc.property(shapes, fc.boolean(), (secrets, isInFile) => {
        const entries = Object.entries(secrets) as [(typeof SETTING_KEYS)[number], unknown][]
        const env = Object.fromEntries(entries.map(([key, value]) => [variableName(key), asVariable(value)]))
        const settings = inEffect(isInFile ? { file: secrets } : { env })
        const text = JSON.stringify(settings)
        for (const each of entries.flatMap(([, value]) => value)) {
          const value = typeof each === 'string' ? each : (each as { clientSecret: string }).clientSecret
          for (const part of [value, /:([a-zA-Z0-9]{12,})@/.exec(value)?.[1] ?? value]) expect(text).not.toContain(part)
        }
        for (const { key, value, isSecret, isSet, source } of settings) {
          if (!isSecret) continue
          expect([key, value, isSet]).toEqual([key, null, key in secrets])
          expect(source).toBe(key in secrets ? (isInFile ? 'file' : 'environment') : 'default')
        }
      }),
      { numRuns: 60 },
    )
  })

  it('name the flag and the variable that set them', () => {
    for (const { key, flag, variable } of inEffect({})) {
      expect([flag ?? flagName(key), variable]).toEqual([flagName(key), variableName(key)])
    }
  })
})

describe('the settings that must be the same on all nodes', () => {
  it('are those whose description says so', () => {
    const say = SETTING_KEYS.filter(key => SETTINGS[key].doc.includes('Use the same value on all nodes'))
    expect([...SHARED_SETTINGS].sort()).toEqual(say.sort())
  })
})
