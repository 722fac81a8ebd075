/**
 * Every setting, once. The names of its flag and of its environment variable, its type, --help and
 * docs/configuration.md are made from this table.
 */
import { isIP } from 'node:net'
import { CONTRACT_PORTS, portRangeText } from '../guard/ports.ts'
import {
  certificateFile,
  choice,
  days,
  directRule,
  integer,
  type Kind,
  list,
  network,
  onOff,
  openedNetwork,
  path,
  portRange,
  seconds,
  secret,
  text,
} from './kinds.ts'

export type Setting<T> = {
  readonly kind: Kind<NonNullable<T>>
  /** As it would stand in the file. Undefined: without a value the setting is null. */
  readonly default: unknown
  /** Meaning, unit and special values. */
  readonly doc: string
  /** Where it can be set. Secrets have no flag: a flag shows in the list of processes. */
  readonly sources: readonly Source[]
}

export type Source = 'flag' | 'environment' | 'file'

const EVERYWHERE = ['flag', 'environment', 'file'] as const

function setting<T>(kind: Kind<T>, byDefault: unknown, doc: string): Setting<T> {
  return { kind: kind as Kind<NonNullable<T>>, default: byDefault, doc, sources: EVERYWHERE }
}

function optional<T>(kind: Kind<T>, doc: string, sources: readonly Source[] = EVERYWHERE): Setting<T | null> {
  return { kind: kind as Kind<NonNullable<T>>, default: undefined, doc, sources }
}

const ROLES = ['all', 'api', 'delivery'] as const

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** C12. */
const CONTRACT_SCHEDULE = [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360]

const HOST_NAME = /^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*$/
const B64_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/

function postgresUrl() {
  return secret('a URL that begins with postgres:// or postgresql://', value =>
    /^postgres(ql)?:\/\/[^\s]+$/.test(value) && URL.canParse(value) ? value : undefined,
  )
}

function isProxyUrl(value: string): boolean {
  const url = /^https?:\/\/[^\s]+$/.test(value) ? URL.parse(value) : null
  return url !== null && url.pathname === '/' && url.search === '' && url.hash === ''
}

export const SETTINGS = {
  config: optional(path(), 'The configuration file: one JSON object with the keys of docs/configuration.md.', [
    'flag',
    'environment',
  ]),
  data: setting(
    path(),
    './posthorn-data',
    'The folder that keeps everything: database, keys, lock; made at the first start.',
  ),
  databaseUrl: optional(
    postgresUrl(),
    'A PostgreSQL to keep everything in, instead of the embedded store: then any number of nodes can share it.',
    ['environment', 'file'],
  ),
  listenUrl: optional(
    postgresUrl(),
    'The same PostgreSQL past a pooler in transaction mode, for messages between nodes: LISTEN needs a session.',
    ['environment', 'file'],
  ),
  role: setting(
    choice('role', ROLES),
    'all',
    'What this node does on a PostgreSQL: api takes calls, delivery sends webhooks, all does both.',
  ),
  processes: setting(
    integer('n', 1, 256),
    1,
    'How many processes serve on this machine, on a PostgreSQL, sharing the port; each is a node, and what is set for a process or a node counts for each.',
  ),
  leaseMs: setting(
    integer('ms', 1_000, 300_000),
    10_000,
    'How long, on a PostgreSQL, a node that has gone silent keeps what it sends for, in milliseconds; the same on all nodes.',
  ),
  host: setting(
    text('address', 'an IP address or a host name', value => isIP(value) !== 0 || HOST_NAME.test(value)),
    '127.0.0.1',
    'The address to listen on; 0.0.0.0 or :: for all of them.',
  ),
  port: setting(integer('port', 0, 65535), 8470, 'The port to listen on; 0 takes any that is free.'),
  apiKey: optional(
    secret('at least 16 and at most 4096 characters: letters, digits and -._~+/, then any number of = signs', value =>
      value.length >= 16 && value.length <= 4096 && B64_TOKEN.test(value) ? value : undefined,
    ),
    'The key that callers of the API send as a bearer token; without it, one is made at the first start and shown once.',
    ['environment', 'file'],
  ),
  encryptionKey: optional(
    secret('32 bytes in Base64, such as `openssl rand -base64 32` prints', keyBytes),
    'The key that encrypts the secrets in the store; without it, one is made at the first start and kept in the data folder.',
    ['environment', 'file'],
  ),
  olderEncryptionKeys: {
    ...setting(
      list(secret('32 bytes in Base64', keyBytes), 0, 16, 'a list of at most 16 keys'),
      [],
      'Keys that only decrypt, while what they have encrypted is encrypted anew with encryptionKey (docs/keys.md).',
    ),
    sources: ['environment', 'file'],
  },
  dev: setting(
    onOff(),
    false,
    'Development mode: endpoints on this machine (http and https, localhost by name) are allowed; never for production.',
  ),
  drainTimeoutMs: setting(
    integer('ms', 0, 600_000),
    30_000,
    'How long a stop waits for attempts in flight, in milliseconds; what is left then is sent again after the next start.',
  ),
  logLevel: setting(
    choice('level', LOG_LEVELS),
    'info',
    'The least severe log line that is written; silent writes none.',
  ),
  apiVersion: setting(
    text('version', 'up to 64 visible ASCII characters', value => HEADER_VALUE.test(value)),
    '3.0',
    'The value of the X-APIVersion header of every delivery.',
  ),
  egressAddresses: setting(
    list(network(), 0, 256, 'a list of at most 256 IP addresses or networks'),
    [],
    'The addresses that deliveries come from, published for the firewalls of receivers; empty if they are not fixed.',
  ),
  targetPorts: setting(
    list(portRange(CONTRACT_PORTS), 1, 256, 'a list of 1 to 256 ports or ranges of ports'),
    CONTRACT_PORTS.map(range => portRangeText(range)),
    "The ports that an endpoint's URL can name; it can narrow what receivers are promised, not widen it.",
  ),
  allowTarget: setting(
    list(openedNetwork(), 0, 256, 'a list of at most 256 IP addresses or networks'),
    [],
    'Networks that endpoints may be in although they are not public, such as 10.2.0.0/16; each is opened as a whole.',
  ),
  proxy: optional(
    secret('a URL that begins with http:// or https:// and has no path', value =>
      isProxyUrl(value) ? value : undefined,
    ),
    'A proxy that all deliveries go through, by CONNECT to the address that was checked; with user:password@ if it asks.',
    ['environment', 'file'],
  ),
  noProxy: {
    ...setting(
      list(directRule(), 0, 256, 'a list of at most 256 receivers'),
      [],
      'Receivers that deliveries are sent to directly although `proxy` is set. A host name stands for that host alone, .example.com for all names below it, a network for its addresses and the names that resolve to them. It opens no address that is refused otherwise.',
    ),
    // A flag --no-proxy would read like "no proxy at all", and like the opposite of a switch.
    sources: ['environment', 'file'],
  },
  extraCa: setting(
    list(certificateFile(), 0, 64, 'a list of at most 64 PEM files'),
    [],
    'Files of certificate authorities (PEM) to trust besides the usual ones when delivering; they are read at start.',
  ),
  retrySchedule: setting(
    list(seconds(0.001, 604_800), 1, 30, 'a list of 1 to 30 pauses'),
    CONTRACT_SCHEDULE,
    'The pause before each retry, in seconds from the end of the attempt before; their number is the number of retries.',
  ),
  disableAfterDays: setting(
    days(0, 365),
    5,
    'After how many days without a success, failures all along, an endpoint is disabled; 0: never. There are warnings at a fifth, two fifths and four fifths of it.',
  ),
  maxInFlight: setting(integer('n', 1, 65_535), 1024, 'How many attempts can be under way at once in this process.'),
  maxInFlightPerHost: setting(
    integer('n', 1, 65_535),
    128,
    'How many attempts can be under way at once to one host and port; a tenant alone gets four fifths of it.',
  ),
  laneWindow: setting(integer('n', 1, 1024), 32, 'How many attempts can be under way at once to one endpoint.'),
  connectTimeoutMs: setting(
    integer('ms', 1, 60_000),
    5000,
    'How long a connection to a receiver can take, name look-up and TLS included, in milliseconds.',
  ),
  responseTimeoutMs: setting(
    integer('ms', 1, 60_000),
    15_000,
    "How long a receiver's status can take, in milliseconds from the first byte sent.",
  ),
  maxBodyBytes: setting(
    integer('bytes', 1024, 104_857_600),
    1_048_576,
    'The largest body of a call to the API, in bytes.',
  ),
  bodyMemoryBytes: setting(
    integer('bytes', 1_048_576, 68_719_476_736),
    134_217_728,
    'How many bytes the bodies of all calls under way can have together; what comes on top is refused with 503.',
  ),
  maxConnections: setting(
    integer('n', 1, 65_535),
    4096,
    'How many connections to the API can be open at once; more are closed.',
  ),
  trustedProxies: setting(
    list(network(), 0, 256, 'a list of at most 256 IP addresses or networks'),
    [],
    'The addresses of proxies before the API, whose X-Forwarded-For is believed; from anybody else it is ignored.',
  ),
  metricsOpen: setting(
    onOff(),
    false,
    'Whether /metrics needs no key; without it, Prometheus sends one that may read and is of no tenant.',
  ),
  forwardTrace: setting(
    onOff(),
    false,
    "Whether receivers get a traceparent header that goes on with the publisher's trace.",
  ),
  maxEndpoints: setting(integer('n', 1, 10_000_000), 20_000, 'How many endpoints one tenant can have.'),
  maxBatch: setting(integer('n', 1, 10_000), 1000, 'The largest number of events that one call can publish.'),
  maxDepth: setting(integer('n', 1, 512), 64, 'The deepest nesting of arrays and objects in the JSON of a call.'),
  idempotencyDays: setting(
    integer('days', 1, 365),
    30,
    "How long the id that a publisher gave an event is remembered, in days, so that the same again isn't a second event.",
  ),
  retentionDays: setting(
    integer('days', 0, 36_500),
    30,
    'How long an event is kept, with its deliveries and attempts, after its last delivery has ended, in days; 0 keeps them for ever. The same on all nodes.',
  ),
  payloadRetentionDays: setting(
    integer('days', 0, 36_500),
    0,
    'How long the payload of an event is kept after its last delivery has ended, in days; 0 keeps it as long as the event. Without it an event can not be sent again. The same on all nodes.',
  ),
  answerRetentionDays: setting(
    integer('days', 0, 36_500),
    0,
    'How long what receivers answered (headers and body) is kept after a delivery has ended, in days; 0 keeps it as long as the event. The same on all nodes.',
  ),
  auditRetentionDays: setting(
    integer('days', 0, 36_500),
    730,
    'How long the audit log is kept, and API keys that were revoked or have expired, in days; 0 keeps them for ever. The same on all nodes.',
  ),
  replayPerSecond: setting(
    integer('n', 1, 1_000_000),
    1000,
    'How many deliveries replays make in a second, all together, at each node; live events are to go first.',
  ),
  payloadMemoryBytes: setting(
    integer('bytes', 0, 68_719_476_736),
    67_108_864,
    'How many bytes of payloads are kept in memory for deliveries that wait; the rest are read from the store. 0 keeps none.',
  ),
} satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof SETTINGS

export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[]

type ValueOf<S> = S extends Setting<infer T> ? T : never

/** What serve runs with: checked, complete and frozen. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> }

/** drainTimeoutMs → --drain-timeout-ms */
export function flagName(key: SettingKey): string {
  return `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}

/** drainTimeoutMs → POSTHORN_DRAIN_TIMEOUT_MS */
export function variableName(key: SettingKey): string {
  return `POSTHORN_${key.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
}

function keyBytes(value: string): Buffer | undefined {
  const bytes = Buffer.from(value, 'base64')
  // Buffer skips what isn't Base64, so a mistyped key would quietly be another key: it must read back the same.
  return bytes.length === 32 && bytes.toString('base64') === value ? bytes : undefined
}
