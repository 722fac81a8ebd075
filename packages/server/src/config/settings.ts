/**
 * The one table of settings. The name of each flag and environment variable, the types, --help and
 * docs/configuration.md are derived from it.
 */
import { isIP } from 'node:net'
import { LOG_FORMATS } from '../base/log-lines.ts'
import { PORTAL_PERMISSIONS } from '../base/portal.ts'
import { CONTRACT_PORTS, portRangeText } from '../guard/ports.ts'
import { issuerList } from './issuers.ts'
import {
  certificateFile,
  choice,
  days,
  directRule,
  HOST_NAME,
  integer,
  type Kind,
  list,
  listenAddress,
  nat64Prefix,
  network,
  onOff,
  openedNetwork,
  origin,
  path,
  portRange,
  publicUrl,
  seconds,
  secret,
  text,
} from './kinds.ts'

/** @typeParam Written the value as it is written in the file, and as an argument of `createPosthorn` */
export type Setting<T, Written = unknown> = {
  readonly kind: Kind<NonNullable<T>, Written>
  /** As it would be written in the file. Undefined if there is none: without a value, the setting is null. */
  readonly default: unknown
  /** Meaning, unit and special values. */
  readonly doc: string
  /** Where the command can get it from. Secrets have no flag: flags are visible in the process list. */
  readonly sources: readonly CommandSource[]
}

type CommandSource = 'flag' | 'environment' | 'file'
/** `argument`: of `createPosthorn`, by a program that Posthorn runs in. */
export type Source = 'argument' | CommandSource

const EVERYWHERE = ['flag', 'environment', 'file'] as const

function setting<T, Written>(kind: Kind<T, Written>, byDefault: unknown, doc: string): Setting<T, Written> {
  return { kind: kind as Kind<NonNullable<T>, Written>, default: byDefault, doc, sources: EVERYWHERE }
}

function optional<T, Written>(
  kind: Kind<T, Written>,
  doc: string,
  sources: readonly CommandSource[] = EVERYWHERE,
): Setting<T | null, Written> {
  return { kind: kind as Kind<NonNullable<T>, Written>, default: undefined, doc, sources }
}

const ROLES = ['all', 'api', 'delivery'] as const

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The contract's delays (C12), in seconds. */
const CONTRACT_SCHEDULE = [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360]

const B64_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/

function postgresUrl() {
  return secret('a URL that begins with postgres:// or postgresql://', value =>
    /^postgres(ql)?:\/\/[^\s]+$/.test(value) && URL.canParse(value) ? value : undefined,
  )
}

const MAIL_ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}$)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*$/
/** The name needs no quotes (RFC 5322 §3.2.3): letters of any script, digits, spaces and `&'-_+!`. */
const NAMED_ADDRESS = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} &'_+!-]{0,59} <([^<>]+)>$/u
const isMailFrom = (value: string): boolean => MAIL_ADDRESS.test(NAMED_ADDRESS.exec(value)?.[1] ?? value)
const SMTP_PORTS: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 }

function smtpServer() {
  return secret('a URL that begins with smtp:// or smtps:// and has no path', value => {
    const url = /^smtps?:\/\/[^\s]+$/.test(value) ? URL.parse(value) : null
    if (url === null || url.hostname === '' || !/^\/?$/.test(url.pathname) || /[?#]/.test(value)) return undefined
    try {
      const host = url.hostname.replace(/^\[|\]$/g, '')
      const ofPlain = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host) ? 'never' : 'starttls'
      return Object.freeze({
        host,
        port: url.port === '' ? SMTP_PORTS[url.protocol]! : Number(url.port),
        tls: url.protocol === 'smtps:' ? ('always' as const) : (ofPlain as 'never' | 'starttls'),
        user: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password),
      })
    } catch {
      return undefined
    }
  })
}

function isProxyUrl(value: string): boolean {
  const url = /^https?:\/\/[^\s]+$/.test(value) ? URL.parse(value) : null
  return url !== null && url.pathname === '/' && url.search === '' && url.hash === ''
}

export const SETTINGS = {
  config: optional(path(), 'The configuration file: one JSON object with the keys listed in docs/configuration.md.', [
    'flag',
    'environment',
  ]),
  data: setting(
    path(),
    './posthorn-data',
    'The data folder, with the database, the encryption key and the lock. serve creates it at the first startup.',
  ),
  databaseUrl: optional(
    postgresUrl(),
    'The URL of a PostgreSQL database to use instead of the embedded store. Any number of nodes can share it.',
    ['environment', 'file'],
  ),
  listenUrl: optional(
    postgresUrl(),
    'A direct URL of the same database, needed if databaseUrl goes through a pooler in transaction mode: nodes notify each other with LISTEN, which needs a session.',
    ['environment', 'file'],
  ),
  role: setting(
    choice('role', ROLES),
    'all',
    'What this node does: api takes API calls, delivery sends webhooks, all does both. api and delivery need PostgreSQL.',
  ),
  processes: setting(
    integer('n', 1, 256),
    1,
    'The number of processes that serve on this machine and share the port; more than one needs PostgreSQL. Each is a node of its own, and limits per process or per node apply to each of them.',
  ),
  leaseMs: setting(
    integer('ms', 1_000, 300_000),
    10_000,
    'How long a node that no longer responds keeps the right to send for its endpoints, in milliseconds. Applies only with PostgreSQL. Use the same value on all nodes.',
  ),
  host: setting(
    text('address', 'an IP address or a host name', value => isIP(value) !== 0 || HOST_NAME.test(value)),
    '127.0.0.1',
    'The address to listen on; 0.0.0.0 or :: listens on all addresses.',
  ),
  port: setting(integer('port', 0, 65535), 8470, 'The port to listen on; 0 takes any free port.'),
  publicUrl: optional(
    publicUrl(),
    'The URL that browsers and receivers of links reach this server by, with the path that a proxy puts it under. Every absolute link is made from it. Default: the address that the dashboard listens on.',
  ),
  dashboard: setting(
    choice('on|off', ['on', 'off']),
    'on',
    'Whether the dashboard is served at /, with its sessions under /session/v1.',
  ),
  dashboardListen: optional(
    listenAddress(),
    'An address and port of its own for the dashboard and its sessions, which host and port then no longer have. It has nothing else: no API keys work there.',
  ),
  sessionIdleHours: setting(
    integer('hours', 1, 8_760),
    12,
    'How long a session of the dashboard lasts without being used, in hours. Use the same value on all nodes.',
  ),
  sessionDays: setting(
    integer('days', 1, 365),
    7,
    'How long a session of the dashboard lasts at most, in days from signing in.',
  ),
  singleSignOn: {
    ...setting(
      issuerList(),
      [],
      "The issuers of OpenID Connect that the provider's people can sign in to the dashboard through, besides API keys. People's sessions end on nodes where it says something else of their issuer.",
    ),
    sources: ['environment', 'file'],
  },
  portal: setting(
    choice('on|off', ['on', 'off']),
    'on',
    "Whether the tenants' portal is served at /portal/, with its sessions under /portal/v1. Nobody gets in without a link.",
  ),
  portalMay: setting(
    list(choice('permission', PORTAL_PERMISSIONS), 0, 6, `a list of ${PORTAL_PERMISSIONS.join(', ')}`),
    [...PORTAL_PERMISSIONS],
    "What links to a tenant's portal let their users do, unless the tenant or the link says it.",
  ),
  portalFrames: setting(
    list(origin(), 0, 64, 'a list of at most 64 origins'),
    [],
    "The origins of pages that can show a tenant's portal in a frame. None by default.",
  ),
  smtpUrl: optional(
    smtpServer(),
    'The server that mail with notifications is handed to, such as smtps://user:password@mail.example.com or smtp://mail.example.com:587, which needs STARTTLS except on this machine. Without it, notifications go to chats only.',
    ['environment', 'file'],
  ),
  mailFrom: optional(
    text('address', 'a mail address, such as hooks@example.com or Acme webhooks <hooks@example.com>', isMailFrom),
    'The address that mail with notifications comes from, also with a name: Acme webhooks <hooks@example.com>.',
  ),
  apiKey: optional(
    secret('16 to 4096 characters: letters, digits and -._~+/, then any number of = signs', value =>
      value.length >= 16 && value.length <= 4096 && B64_TOKEN.test(value) ? value : undefined,
    ),
    'The root API key, which callers send as a bearer token. Required with PostgreSQL; the embedded store generates one at the first startup if none is set, and shows it once.',
    ['environment', 'file'],
  ),
  encryptionKey: optional(
    secret('32 bytes in Base64, such as the output of `openssl rand -base64 32`', keyBytes),
    'The key that encrypts the secrets in the store. Required with PostgreSQL; the embedded store generates one at the first startup if none is set, and keeps it in the data folder.',
    ['environment', 'file'],
  ),
  olderEncryptionKeys: {
    ...setting(
      list(secret('32 bytes in Base64', keyBytes), 0, 16, 'a list of at most 16 keys'),
      [],
      'Older keys, used only to decrypt until all secrets are encrypted with encryptionKey (docs/keys.md).',
    ),
    sources: ['environment', 'file'],
  },
  dev: setting(
    onOff(),
    false,
    'Development mode, which allows endpoints on this machine, over http and https, including localhost. Never use it in production.',
  ),
  drainTimeoutMs: setting(
    integer('ms', 0, 600_000),
    30_000,
    'How long a shutdown waits for attempts in flight, in milliseconds. Unfinished attempts are sent again after the next startup.',
  ),
  logLevel: setting(choice('level', LOG_LEVELS), 'info', 'The lowest severity that is logged; silent logs nothing.'),
  logFormat: setting(
    choice('format', LOG_FORMATS),
    'auto',
    'The form of log lines: json for programs, text for people, auto for text on a terminal and JSON elsewhere.',
  ),
  apiVersion: setting(
    text('version', '1 to 64 visible ASCII characters', value => HEADER_VALUE.test(value)),
    '3.0',
    'The value of the X-APIVersion header that every delivery carries.',
  ),
  egressAddresses: setting(
    list(network(), 0, 256, 'a list of at most 256 IP addresses or networks'),
    [],
    'The addresses that deliveries come from, published so that receivers can allow them in their firewalls. Leave this empty if the addresses are not fixed.',
  ),
  targetPorts: setting(
    list(portRange(CONTRACT_PORTS), 1, 256, 'a list of 1 to 256 ports or port ranges'),
    CONTRACT_PORTS.map(range => portRangeText(range)),
    "The ports that an endpoint's URL can use. The list can be narrower than what receivers are promised, but not wider.",
  ),
  allowTarget: setting(
    list(openedNetwork(), 0, 256, 'a list of at most 256 IP addresses or networks'),
    [],
    'Networks that endpoints can be in although they are not public, such as 10.2.0.0/16. Each is opened as a whole, but for IPv6 addresses that carry an IPv4 address: that one must be allowed too.',
  ),
  nat64Prefix: setting(
    list(nat64Prefix(), 0, 16, 'a list of at most 16 NAT64 prefixes'),
    [],
    'Prefixes of the NAT64 translators of your network, besides 64:ff9b::/96. An address behind one is allowed if the IPv4 address in it is, and refused otherwise.',
  ),
  proxy: optional(
    secret('a URL that begins with http:// or https:// and has no path', value =>
      isProxyUrl(value) ? value : undefined,
    ),
    'A proxy for all deliveries, which is asked to CONNECT to the address that was checked. Include user:password@ if it requires authentication.',
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
    'PEM files of certificate authorities that deliveries trust in addition to the usual ones, for receivers, token servers and `proxy`. They are read at startup.',
  ),
  retrySchedule: setting(
    list(seconds(0.001, 604_800), 1, 30, 'a list of 1 to 30 delays'),
    CONTRACT_SCHEDULE,
    'The delay before each retry, in seconds from the end of the previous attempt. The number of delays is the number of retries.',
  ),
  disableAfterDays: setting(
    days(0, 365),
    5,
    'How many days an endpoint can keep failing without a success before it is disabled; 0 never disables it. Warnings come after a fifth, two fifths and four fifths of that time.',
  ),
  maxInFlight: setting(
    integer('n', 1, 65_535),
    1024,
    'The maximum number of attempts in flight at any time in this process.',
  ),
  maxInFlightPerHost: setting(
    integer('n', 1, 65_535),
    128,
    'The maximum number of attempts in flight at any time to one host and port. A single tenant can use at most four fifths of them.',
  ),
  laneWindow: setting(
    integer('n', 1, 1024),
    32,
    'The maximum number of attempts in flight at any time to one endpoint.',
  ),
  connectTimeoutMs: setting(
    integer('ms', 1, 60_000),
    5000,
    'How long connecting to a receiver can take, including the name lookup and TLS, in milliseconds.',
  ),
  responseTimeoutMs: setting(
    integer('ms', 1, 60_000),
    15_000,
    'How long a receiver can take to respond with a status, in milliseconds from the first byte sent.',
  ),
  maxBodyBytes: setting(
    integer('bytes', 1024, 104_857_600),
    1_048_576,
    'The maximum size of a request body that the API accepts, in bytes.',
  ),
  bodyMemoryBytes: setting(
    integer('bytes', 1_048_576, 68_719_476_736),
    134_217_728,
    'The maximum total size of all request bodies being processed, in bytes. Further requests are refused with 503.',
  ),
  maxConnections: setting(
    integer('n', 1, 65_535),
    4096,
    'The maximum number of open connections to the API. Beyond it, a connection is closed for each new one, the oldest without a valid API key first.',
  ),
  maxConnectionsPerAddress: setting(
    integer('n', 1, 65_535),
    1024,
    'The maximum number of open connections from one IPv4 address or IPv6 /64 network, and at most half of maxConnections. 127.0.0.1, ::1 and trustedProxies are exempt; there, and for the keys of a tenant anywhere, it is the maximum for one key.',
  ),
  trustedProxies: setting(
    list(network(), 0, 256, 'a list of at most 256 IP addresses or networks'),
    [],
    'The addresses of the proxies in front of the API whose X-Forwarded-For header is trusted. From any other address, the header is ignored.',
  ),
  metricsOpen: setting(
    onOff(),
    false,
    'Access to /metrics without an API key. If off, give Prometheus a key that can read and belongs to no tenant.',
  ),
  forwardTrace: setting(onOff(), false, "A traceparent header on deliveries, which continues the publisher's trace."),
  maxEndpoints: setting(integer('n', 1, 10_000_000), 20_000, 'The maximum number of endpoints of a tenant.'),
  maxSelectionCharacters: setting(
    integer('n', 10_000, 1_000_000_000),
    16_000_000,
    'The maximum total length of the types and filters of all endpoints of a tenant, in characters of JSON. Beyond it, endpoints cannot be registered, and types and filters can only become shorter.',
  ),
  configurationMemoryBytes: setting(
    integer('bytes', 1_048_576, 1_099_511_627_776),
    268_435_456,
    'The maximum estimated size of the endpoints that are kept in memory for matching, in bytes. A tenant can have a quarter of it; the events of a larger one are matched from the store, which takes longer.',
  ),
  maxBatch: setting(integer('n', 1, 10_000), 1000, 'The maximum number of events that one call can publish.'),
  maxDepth: setting(
    integer('n', 1, 512),
    64,
    'The maximum nesting depth of arrays and objects in the JSON of a request.',
  ),
  idempotencyDays: setting(
    integer('days', 1, 365),
    30,
    'How long the key that a publisher gave an event is remembered, in days. Until then, publishing the event again with that key does not create a second one.',
  ),
  retentionDays: setting(
    integer('days', 0, 36_500),
    30,
    'How long an event is kept with its deliveries and attempts after its last delivery has ended, in days; 0 keeps them forever. Use the same value on all nodes.',
  ),
  payloadRetentionDays: setting(
    integer('days', 0, 36_500),
    0,
    "How long an event's payload is kept after its last delivery has ended, in days; 0 keeps it as long as the event. Without its payload, an event cannot be sent again. Use the same value on all nodes.",
  ),
  answerRetentionDays: setting(
    integer('days', 0, 36_500),
    0,
    "How long the headers and bodies of receivers' responses are kept after a delivery has ended, in days; 0 keeps them as long as the event. Use the same value on all nodes.",
  ),
  auditRetentionDays: setting(
    integer('days', 0, 36_500),
    730,
    'How long the audit log and revoked or expired API keys are kept, in days; 0 keeps them forever. Use the same value on all nodes.',
  ),
  replayPerSecond: setting(
    integer('n', 1, 1_000_000),
    1000,
    'The maximum number of deliveries per second that all replays together create on each node, so that live events go first.',
  ),
  payloadMemoryBytes: setting(
    integer('bytes', 0, 68_719_476_736),
    67_108_864,
    'The maximum total size of payloads kept in memory for waiting deliveries, in bytes; the others are read from the store. 0 keeps none in memory.',
  ),
} satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof SETTINGS

export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[]

/** Settings that must have the same value on all nodes, because each of them works for the others too. */
export const SHARED_SETTINGS = [
  'leaseMs',
  'retentionDays',
  'payloadRetentionDays',
  'answerRetentionDays',
  'auditRetentionDays',
  'sessionIdleHours',
] as const satisfies readonly SettingKey[]

type ValueOf<S> = S extends Setting<infer T, infer _> ? T : never
type WrittenOf<S> = S extends Setting<infer _, infer Written> ? Written : never

/** The settings that serve runs with: checked, complete and frozen. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> }

/** Settings as they are written, in the file or as arguments. */
export type WrittenSettings = { readonly [K in SettingKey]?: WrittenOf<(typeof SETTINGS)[K]> | undefined }

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
  // Buffer skips characters that aren't Base64, so a mistyped key would silently become another key. A valid one
  // encodes back to the same text.
  return bytes.length === 32 && bytes.toString('base64') === value ? bytes : undefined
}
