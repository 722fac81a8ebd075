/** Which server, key and tenant a command uses: no call is made here. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ConnectionFlags, chooseTarget } from '../src/connection.ts'
import { changeProfiles, type Profiles, profilesFile, readProfiles } from '../src/profiles.ts'
import type { Environment } from '../src/terminal/index.ts'

const A = { url: 'https://a.example', apiKey: 'key-of-a', tenant: 'tenant-of-a' }
const B = { url: 'https://b.example/posthorn', apiKey: 'key-of-b', tenant: null }
const OTHER = {
  POSTHORN_URL: 'https://other.example',
  POSTHORN_API_KEY: 'key-in-env',
  POSTHORN_TENANT: 'tenant-in-env',
}

const writeProfiles = (where: Environment, profiles: Profiles) => changeProfiles(where, () => profiles)

let folder: string
let env: Environment
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-profiles-'))
  env = { XDG_CONFIG_HOME: folder }
  writeProfiles(env, { current: 'a', byName: { a: A, b: B } })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const choose = (flags: ConnectionFlags, more: Environment = {}) => {
  const { url, apiKey, tenant } = chooseTarget(flags, { ...env, ...more }, true)
  return [url, apiKey, tenant]
}

describe('a command calls', () => {
  it('the server of the profile in use', () => {
    expect(choose({})).toEqual([A.url, A.apiKey, A.tenant])
  })

  it('the one in the environment before that, and the one in a flag before both', () => {
    expect(choose({}, OTHER)).toEqual([OTHER.POSTHORN_URL, 'key-in-env', 'tenant-in-env'])
    expect(choose({ url: 'https://flag.example', tenant: 't' }, OTHER)).toEqual([
      'https://flag.example',
      'key-in-env',
      't',
    ])
  })

  it('that of --profile, whatever the environment says', () => {
    expect(choose({ profile: 'b' }, OTHER)).toEqual([B.url, B.apiKey, 'tenant-in-env'])
    expect(choose({ profile: 'a' }, OTHER)).toEqual([A.url, A.apiKey, A.tenant])
  })

  it('that of a URL with the key of its profile, however the URL is written', () => {
    expect(choose({ url: 'https://B.example/posthorn/' })).toEqual(['https://B.example/posthorn/', B.apiKey, null])
  })

  it('no server for which the variables are empty, as Compose leaves them', () => {
    expect(choose({}, { POSTHORN_URL: '', POSTHORN_API_KEY: '', POSTHORN_TENANT: '' })[0]).toBe(A.url)
  })
})

it('the key of a profile is never sent to another server', () => {
  const elsewhere: [ConnectionFlags, Environment][] = [
    [{ url: 'https://a.example.org' }, {}],
    [{ url: 'http://a.example' }, {}],
    [{ url: 'https://a.example:8443' }, {}],
    [{ url: 'https://a.example/other' }, {}],
    [{}, { POSTHORN_URL: 'https://evil.example' }],
    [{ profile: 'a', url: 'https://evil.example' }, {}],
  ]
  for (const [flags, more] of elsewhere) {
    expect(() => choose(flags, more), JSON.stringify([flags, more])).toThrow(/^There is no API key for http/)
  }
})

it('a password in a URL is not shown', () => {
  const noKey = () => chooseTarget({ url: 'https://user:s3cret@other.example/x' }, env, true)
  expect(noKey).toThrow('There is no API key for https://other.example/x. Run: posthorn login')
})

it('a profile that does not exist is refused with the names of those that do', () => {
  expect(() => choose({ profile: 'c' })).toThrow('There is no profile "c". There are: a, b.')
  expect(() => choose({ profile: '__proto__' })).toThrow('There is no profile "__proto__"')
})

describe('the file of profiles', () => {
  it('is for its owner only, and is closed again if it was opened', () => {
    expect(statSync(profilesFile(env)).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'posthorn')).mode & 0o777).toBe(0o700)
    chmodSync(profilesFile(env), 0o644)
    expect(readProfiles(env).current).toBe('a')
    expect(statSync(profilesFile(env)).mode & 0o777).toBe(0o600)
  })

  it('is replaced in one step: a reader sees the old one or the new one, and nothing but the lock is left', () => {
    const before = statSync(profilesFile(env)).ino
    writeProfiles(env, { current: 'b', byName: { b: B } })
    expect(statSync(profilesFile(env)).ino).not.toBe(before)
    expect(readProfiles(env)).toEqual({ current: 'b', byName: { b: B } })
    expect(readdirSync(join(folder, 'posthorn'))).toEqual(['profiles.json', 'profiles.json.lock'])
  })

  it('stays where a symbolic link leads to', () => {
    const target = join(folder, 'elsewhere.json')
    const other = { XDG_CONFIG_HOME: join(folder, 'linked') }
    mkdirSync(join(folder, 'linked/posthorn'), { recursive: true })
    writeFileSync(target, '{"current":null,"profiles":{}}', { mode: 0o600 })
    symlinkSync(target, profilesFile(other))
    writeProfiles(other, { current: 'a', byName: { a: A } })
    expect(JSON.parse(readFileSync(target, 'utf8')).current).toBe('a')
  })

  it.each(['', 'null', '{}', '{"current":1,"profiles":{}}', '{"current":"a","profiles":{"a":{"url":1}}}', '\u0000'])(
    'that was damaged (%j) is refused with what to do',
    text => {
      writeFileSync(profilesFile(env), text)
      expect(() => readProfiles(env)).toThrow(/is not a file of profiles: remove it, then run: posthorn login$/)
    },
  )

  it('can have any name for a profile', () => {
    const byName = JSON.parse('{"__proto__": {"url": "https://p.example", "apiKey": "p", "tenant": null}}')
    writeProfiles(env, { current: '__proto__', byName })
    expect(choose({})).toEqual(['https://p.example', 'p', null])
  })
})
