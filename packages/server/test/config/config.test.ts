import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { rootCertificates } from 'node:tls'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type Environment, type Flags, loadConfig } from '../../src/config/config.ts'
import { configDocs, describeSettings } from '../../src/config/descriptions.ts'
import { SETTING_KEYS } from '../../src/config/settings.ts'
import schedule from '../vectors/retry-schedule.json' with { type: 'json' }

const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64')
const API_KEY = 'a-key-that-no-one-may-see'

type Given = { flags?: Flags; env?: Environment; file?: unknown; files?: Record<string, string> }

function load({ flags = {}, env = {}, file, files = {} }: Given) {
  const readFile = (path: string) => {
    const content = path === '/etc/posthorn.json' && file !== undefined ? JSON.stringify(file) : files[path]
    if (content === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' })
    return content
  }
  const named = file === undefined ? {} : { POSTHORN_CONFIG: '/etc/posthorn.json' }
  return loadConfig({ flags, env: { ...named, ...env }, readFile })
}

function configOf(given: Given) {
  const result = load(given)
  if (!result.ok) throw new Error(result.problems.join('\n'))
  return result.config
}

function problemsOf(given: Given): readonly string[] {
  const result = load(given)
  return result.ok ? [] : result.problems
}

describe('the source of a value', () => {
  test('C3: the default ports are those of the contract, and other defaults are as documented', () => {
    const config = configOf({})
    expect(config).toMatchObject({ host: '127.0.0.1', port: 8470, apiVersion: '3.0', drainTimeoutMs: 30_000 })
    expect(config.data).toBe(resolve('posthorn-data'))
    expect(config.targetPorts).toEqual([
      { first: 443, last: 443 },
      { first: 1024, last: 65535 },
    ])
    expect([config.apiKey, config.encryptionKey, config.config]).toEqual([null, null, null])
  })

  test('C10 C11: the default version and timeouts are those of the contract', () => {
    expect(configOf({})).toMatchObject({ apiVersion: '3.0', connectTimeoutMs: 5_000, responseTimeoutMs: 15_000 })
  })

  test('C3: an operator can narrow the ports but not widen them', () => {
    expect(configOf({ flags: { '--target-ports': ['8443'] } }).targetPorts).toEqual([{ first: 8443, last: 8443 }])
    expect(problemsOf({ flags: { '--target-ports': ['80'] } })).toHaveLength(1)
    expect(problemsOf({ flags: { '--target-ports': ['443-1024'] } })).toHaveLength(1)
  })

  test('C12: the default schedule is that of the contract', () => {
    expect(JSON.stringify(schedule)).toContain(JSON.stringify(configOf({}).retrySchedule))
  })

  test('a flag beats the environment, which beats the file, which beats the default', () => {
    const file = { port: 1, maxBatch: 2, maxDepth: 3 }
    const env = { POSTHORN_PORT: '4', POSTHORN_MAX_BATCH: '5' }
    expect(configOf({ flags: { '--port': ['6'] }, env, file })).toMatchObject({ port: 6, maxBatch: 5, maxDepth: 3 })
    expect(configOf({ flags: { '--dev': false }, env: { POSTHORN_DEV: 'true' } }).dev).toBe(false)
    expect(configOf({ env: { POSTHORN_DEV: '1' } }).dev).toBe(true)
  })

  test('an empty variable counts as not set, and the variables of other programs are ignored', () => {
    expect(configOf({ env: { POSTHORN_PORT: '', PORT: 'x', npm_config_port: '1' } }).port).toBe(8470)
  })

  test('the variables that Kubernetes sets for a service named posthorn are ignored', () => {
    const env = {
      POSTHORN_PORT: 'tcp://10.0.0.1:8470',
      POSTHORN_PORT_8470_TCP: 'tcp://10.0.0.1:8470',
      POSTHORN_PORT_8470_TCP_ADDR: '10.0.0.1',
      POSTHORN_SERVICE_HOST: '10.0.0.1',
      POSTHORN_SERVICE_PORT_HTTP: '8470',
      POSTHORN_WEB_SERVICE_PORT: '80',
    }
    expect(configOf({ env }).port).toBe(8470)
  })

  test('lists come from commas, repeated flags or arrays, and relative paths in the file start at its folder', () => {
    const flags = { '--egress-addresses': ['192.0.2.1, 192.0.2.0/24', '2001:db8::/32'] }
    const file = { targetPorts: [443, '8000-9000'], data: 'data' }
    const config = configOf({ flags, env: { POSTHORN_RETRY_SCHEDULE: '0.5,1' }, file })
    expect(config.egressAddresses).toEqual(['192.0.2.1', '192.0.2.0/24', '2001:db8::/32'])
    expect(config.retrySchedule).toEqual([0.5, 1])
    expect(config.targetPorts[1]).toEqual({ first: 8000, last: 9000 })
    expect(config.data).toBe('/etc/data')
  })

  test('only the certificates are taken from a file of extra authorities', () => {
    const pem = `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${rootCertificates[0]}\n`
    const [file] = configOf({ flags: { '--extra-ca': ['/ca.pem'] }, files: { '/ca.pem': pem } }).extraCa
    expect(file).toEqual({ path: '/ca.pem', pem: `${rootCertificates[0]}\n` })
  })

  test('the result is frozen, and shows no secret however it is printed', () => {
    const config = configOf({ env: { POSTHORN_API_KEY: API_KEY }, file: { encryptionKey: ENCRYPTION_KEY } })
    expect([config, config.targetPorts, config.targetPorts[0]].every(Object.isFrozen)).toBe(true)
    expect(config.apiKey?.reveal()).toBe(API_KEY)
    expect(config.encryptionKey?.reveal()).toEqual(Buffer.alloc(32, 7))
    const printed = `${inspect(config, { depth: 9, showHidden: true })}${JSON.stringify(config)}${config.apiKey}`
    expect(printed).not.toContain(API_KEY)
    expect(printed).not.toContain(ENCRYPTION_KEY)
  })
})

describe('refused configurations', () => {
  test('all problems are reported together, each with its source', () => {
    const problems = problemsOf({
      flags: { '--prt': ['1'], '--port': ['x'], '--host': true, '--max-batch': ['1', '2'], '--dev': ['yes'] },
      env: { POSTHORN_MAX_BATHC: '1', POSTHORN_LOG_LEVEL: 'loud', POSTHORN_NONSENSE: '1' },
      file: { maxdepth: 1, port: '8470', nonsense: 1, config: 'other.json' },
    })
    expect(problems).toEqual([
      'unknown flag --prt: did you mean --port?',
      'flag --port must be a whole number from 0 to 65535, not "x".',
      'flag --host needs a value.',
      'flag --max-batch is given 2 times: give it only once.',
      'flag --dev takes no value: remove the value.',
      'unknown environment variable POSTHORN_MAX_BATHC: did you mean POSTHORN_MAX_BATCH?',
      'environment variable POSTHORN_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud".',
      'unknown environment variable POSTHORN_NONSENSE: unset it.',
      'unknown key maxdepth in /etc/posthorn.json: did you mean maxDepth?',
      'key port in /etc/posthorn.json must be a whole number from 0 to 65535, not "8470".',
      'unknown key nonsense in /etc/posthorn.json: remove it.',
      'unknown key config in /etc/posthorn.json: remove it.',
    ])
  })

  test('an invalid value is refused even if another source overrides it', () => {
    expect(problemsOf({ flags: { '--port': ['1'] }, env: { POSTHORN_PORT: 'x' } })).toHaveLength(1)
  })

  test.each([
    ['--port', '65536'],
    ['--port', '1e3'],
    ['--port', ''],
    ['--port', '1,2'],
    ['--data', ''],
    ['--host', 'a b'],
    ['--host', '-x'],
    ['--api-version', '3.0\r\nX-Other: 1'],
    ['--api-version', ' 3.0'],
    ['--api-version', ''],
    ['--egress-addresses', '192.0.2.0/33'],
    ['--egress-addresses', 'fe80::1%eth0'],
    ['--egress-addresses', '192.0.2.1,,192.0.2.2'],
    ['--target-ports', '80'],
    ['--target-ports', '400-500'],
    ['--target-ports', '443-1024'],
    ['--target-ports', '9000-8000'],
    ['--target-ports', '65536'],
    ['--retry-schedule', '0'],
    ['--retry-schedule', '604801'],
    ['--retry-schedule', Array(31).fill('1').join(',')],
    ['--response-timeout-ms', '60001'],
    ['--log-level', 'INFO'],
    ['--dashboard', 'yes'],
    ['--dashboard-listen', '8471'],
    ['--dashboard-listen', '127.0.0.1'],
    ['--dashboard-listen', '::1:8471'],
    ['--dashboard-listen', '[127.0.0.1]:8471'],
    ['--dashboard-listen', '127.0.0.1:65536'],
    ['--session-days', '0'],
    ['--session-idle-hours', '8761'],
    ['--extra-ca', '/absent.pem'],
    ['--extra-ca', '/empty.pem'],
    ['--extra-ca', '/broken.pem'],
  ])('%s refuses %j', (flag, value) => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'
    const problems = problemsOf({ flags: { [flag]: [value] }, files: { '/empty.pem': '', '/broken.pem': broken } })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^flag ${flag} must [^\\n]+\\.$`))
  })

  test.each([
    { targetPorts: [] },
    { targetPorts: '443' },
    { targetPorts: [null] },
    { retrySchedule: ['1'] },
    { retrySchedule: [Number.MAX_VALUE] },
    { apiVersion: 3 },
    { dev: 'true' },
    { port: 1.5 },
    { data: null },
  ])('refuses %j in the file', file => {
    expect(problemsOf({ file })).toHaveLength(1)
  })

  test('a file that is missing, not JSON or not an object is refused', () => {
    const problems = (content?: string) =>
      problemsOf({ flags: { '--config': ['/x.json'] }, files: content === undefined ? {} : { '/x.json': content } })
    expect(problems()[0]).toContain('/x.json cannot be read (ENOENT)')
    expect(problems('[]')[0]).toContain('must contain one JSON object')
    expect(problems('\uFEFF{}')).toEqual([
      'configuration file /x.json begins with a byte order mark (the bytes EF BB BF). Remove it: JSON is UTF-8 without one.',
    ])
    const inUtf16 = Buffer.from('\uFEFF{}', 'utf16le').toString('utf8')
    expect(problems(inUtf16)[0]).toContain('save it as UTF-8, without a byte order mark')
    expect(problems(`{"apiKey":"${API_KEY}" x}`)).toHaveLength(1)
    expect(problems(`{"apiKey":"${API_KEY}" x}`)[0]).not.toContain(API_KEY)
  })

  test('C14: no message shows a secret, and secrets have no flag', () => {
    const problems = problemsOf({
      flags: { '--api-key': [API_KEY], '--encryption-key': [ENCRYPTION_KEY] },
      env: {
        POSTHORN_API_KEY: `${API_KEY} `,
        POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY.slice(1),
        POSTHORN_APIKEY: API_KEY,
      },
      file: { apiKey: [API_KEY], encryptionKey: 7, encryptionkey: ENCRYPTION_KEY },
    })
    expect(problems).toHaveLength(8)
    expect(problems[0]).toContain('use POSTHORN_API_KEY')
    expect(problems.join('\n')).not.toContain(API_KEY)
    expect(problems.join('\n')).not.toContain(ENCRYPTION_KEY.slice(1))
  })

  test.each([
    'short',
    'fifteen-letters',
    'has a space in the middle',
    '=starts-with-equals',
    'späte-umlaute-sind-nichts',
  ])('the API key %j is refused', key => expect(problemsOf({ env: { POSTHORN_API_KEY: key } })).toHaveLength(1))

  test.each([16, 31, 33, 64])('an encryption key of %i bytes is refused', length => {
    const key = Buffer.alloc(length, 7).toString('base64')
    expect(problemsOf({ env: { POSTHORN_ENCRYPTION_KEY: key } })).toHaveLength(1)
  })
})

describe('where browsers reach the server', () => {
  test.each([
    ['https://hooks.example.com', 'https://hooks.example.com/'],
    ['HTTPS://Hooks.Example.com:443/posthorn', 'https://hooks.example.com/posthorn/'],
    ['http://localhost:8470/a/b-c_d.e~f/', 'http://localhost:8470/a/b-c_d.e~f/'],
    ['https://[2001:db8::1]:8443', 'https://[2001:db8::1]:8443/'],
    ['https://example.com/v1x/v1', 'https://example.com/v1x/v1/'],
  ])('publicUrl takes %s as %s', (given, url) => {
    expect(configOf({ flags: { '--public-url': [given] } }).publicUrl).toBe(url)
  })

  test.each([
    'hooks.example.com',
    '//example.com',
    'ftp://example.com',
    'https://',
    'https://user:secret@example.com/',
    'https://example.com/?a=b',
    'https://example.com/?',
    'https://example.com/#x',
    'https://example.com/a b',
    'https://example.com/a;Path=',
    'https://example.com/%2e%2e/',
    'https://example.com/a/../b',
    'https://example.com/a/.',
    'https://example.com/"><script>',
    'https://example.com//a',
    'https://example.com/v1',
    'https://example.com/session/x',
    'https://example.com/assets/',
    'https://example.com/.well-known/',
  ])('publicUrl refuses %s', given => {
    expect(problemsOf({ flags: { '--public-url': [given] } })).toHaveLength(1)
  })

  test('the dashboard is on, at the address of the API, unless it is given one of its own', () => {
    expect(configOf({})).toMatchObject({ dashboard: 'on', dashboardListen: null, publicUrl: null })
    const of = (text: string) => configOf({ flags: { '--dashboard-listen': [text] } }).dashboardListen
    expect(of('127.0.0.1:8471')).toEqual({ host: '127.0.0.1', port: 8471 })
    expect(of('[::1]:0')).toEqual({ host: '::1', port: 0 })
    expect(of('posthorn.internal:80')).toEqual({ host: 'posthorn.internal', port: 80 })
    expect(configOf({ flags: { '--dashboard': ['off'] } }).dashboard).toBe('off')
  })
})

describe('networks and proxies', () => {
  test('a network to open has no bits set after its prefix', () => {
    const opened = (text: string) => problemsOf({ env: { POSTHORN_ALLOW_TARGET: text } }).length === 0
    expect(['10.2.0.0/16', '10.2.3.4', 'fd00::/8', '10.0.0.0/8,fd12::/16'].map(opened)).toEqual(Array(4).fill(true))
    expect(['10.2.3.4/16', 'fd00::1/8', '10.2/16', 'intranet', '10.2.0.0/33'].map(opened)).toEqual(Array(5).fill(false))
  })

  test('a proxy is a URL without a path, and its password is not shown', () => {
    const problems = (text: string) => problemsOf({ env: { POSTHORN_PROXY: text } })
    for (const url of ['http://proxy:3128', 'https://user:pass@proxy.example.com', 'http://[fd00::1]:8080/']) {
      expect(problems(url)).toEqual([])
    }
    for (const url of ['proxy:3128', 'socks5://proxy:1080', 'http://user:hidden@proxy/path', 'http://proxy?x=hidden']) {
      expect(problems(url)).toHaveLength(1)
      expect(problems(url).join()).not.toContain('hidden')
    }
  })
})

describe('noProxy', () => {
  test('lists hosts, domains, addresses and networks, in the environment and in the file', () => {
    const listed = (input: object) => configOf(input).noProxy
    expect(listed({})).toEqual([])
    expect(listed({ env: { POSTHORN_NO_PROXY: '.example.com, Hooks.example.org:8443,10.2.0.0/16' } })).toEqual(
      listed({ file: { noProxy: ['.example.com', 'hooks.example.org:8443', '10.2.0.0/16'] } }),
    )
    for (const text of ['*', 'https://a.example', 'a.example,', '10.2.3.4/16', 'a.example:0']) {
      const problems = problemsOf({ env: { POSTHORN_NO_PROXY: text } })
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatch(
        /^environment variable POSTHORN_NO_PROXY must be a list of at most 256 receivers; each item must /,
      )
    }
  })

  test('is no flag, which would read like the opposite of one', () => {
    expect(problemsOf({ flags: { '--no-proxy': ['a.example'] } })[0]).toContain('use POSTHORN_NO_PROXY')
  })
})

describe('descriptions of the settings', () => {
  test('docs/configuration.md matches the table (if not, run packages/server/scripts/write-docs.ts)', () => {
    expect(readFileSync(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8')).toBe(configDocs())
  })

  test('each setting has a description, and no two have the same name', () => {
    const settings = describeSettings()
    expect(settings.map(({ key }) => key)).toEqual(SETTING_KEYS)
    expect(settings.filter(({ doc }) => !/^[A-Z].+\.$/.test(doc))).toEqual([])
    expect(new Set(settings.map(({ variable }) => variable)).size).toBe(settings.length)
    expect(settings.filter(({ flag }) => flag === null).map(({ key }) => key)).toEqual([
      'databaseUrl',
      'listenUrl',
      'singleSignOn',
      'smtpUrl',
      'apiKey',
      'encryptionKey',
      'olderEncryptionKeys',
      'proxy',
      'noProxy',
    ])
  })
})
