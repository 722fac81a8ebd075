/**
 * The kinds of value that a setting can have: how each is read from text or JSON, and what is reported if it can't be.
 */
import { X509Certificate } from 'node:crypto'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { parseNetwork } from '../guard/address.ts'
import { type DirectRule, parseDirectRule } from '../guard/direct-rule.ts'
import { parseNat64Prefix } from '../guard/embedded.ts'
import { contains, type PortRange, portRangeText } from '../guard/ports.ts'
import { Hidden } from './hidden.ts'

export type ReadFile = (path: string) => string

export type ParseContext = {
  /** True for flags and environment variables: the value is text. False for the file and for defaults: it is JSON. */
  readonly asText: boolean
  /** The folder that relative paths are resolved against. */
  readonly folder: string
  readonly readFile: ReadFile
}

/** A value, or the rest of a sentence that begins with the setting, such as "must be a whole number …, not "x"". */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly complaint: string }

/** @typeParam Written the value as it is written in the file, and as an argument of `createPosthorn` */
export type Kind<T, Written = unknown> = {
  readonly shape: 'scalar' | 'list' | 'switch'
  readonly secret: boolean
  /** Stands for the value in --help. */
  readonly placeholder: string
  /** What a value must be; completes "must be …". Shown in problems and in the documentation. */
  readonly rule: string
  parse(value: unknown, context: ParseContext): Parsed<T>
  /** The value as it would be written in the file. Not called for a secret. */
  show(value: T): Written
}

const LONGEST_SHOWN = 60

export const HOST_NAME = /^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*$/

const good = <T>(value: T): Parsed<T> => ({ ok: true, value })
const bad = (complaint: string): Parsed<never> => ({ ok: false, complaint })

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
}

/** A kind whose values come from one function, which returns undefined for a value that breaks the rule. */
function scalar<T, Written>(
  placeholder: string,
  rule: string,
  read: (value: unknown, context: ParseContext) => T | undefined,
  show: (value: T) => Written,
) {
  return {
    shape: 'scalar',
    secret: false,
    placeholder,
    rule,
    parse(value, context) {
      const result = read(value, context)
      return result === undefined ? bad(`must be ${rule}, not ${shown(value)}`) : good(result)
    },
    show,
  } satisfies Kind<T, Written>
}

const asItIs = <T>(value: T): T => value

export function text(placeholder: string, rule: string, accepts: (value: string) => boolean): Kind<string, string> {
  const read = (value: unknown) => (typeof value === 'string' && accepts(value) ? value : undefined)
  return scalar(placeholder, rule, read, asItIs)
}

/** First segments of the server's own paths. If a proxy drops the base path, no one could tell them from it. */
const OWN_PATHS = /^\/(?:v1|session|portal|assets|metrics|healthz|readyz|types|notification-links)(?:\/|$)/

/** Segments that parsing a URL takes away, so that the operator would get another path than the one that was given. */
const DOT_SEGMENTS = /[/\\](?:\.|%2e){1,2}(?:[/\\]|$)/i

/** A URL that others reach the server by. It ends with a slash. */
export function publicUrl(): Kind<string, string> {
  const rule =
    'a URL that begins with https:// or http://, with or without a path, such as https://hooks.example.com/posthorn/'
  const read = (value: unknown) => {
    const url = typeof value === 'string' && /^https?:\/\/[^\s]+$/i.test(value) ? URL.parse(value) : null
    if (url === null || url.username !== '' || url.password !== '' || /[?#]/.test(value as string)) return undefined
    if (DOT_SEGMENTS.test(value as string)) return undefined
    const path = url.pathname.replace(/\/?$/, '/')
    const isPlain = /^\/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*\/)*$/.test(path) && !OWN_PATHS.test(path)
    return isPlain ? `${url.origin}${path}` : undefined
  }
  return scalar('url', rule, read, asItIs)
}

/** The origin of a page (RFC 6454), as browsers write it. */
export function origin(): Kind<string, string> {
  const rule = 'the origin of a page, such as https://app.example.com or http://localhost:3000'
  const read = (value: unknown) => {
    const url = typeof value === 'string' && /^https?:\/\/[^\s/?#@\\*;,]+\/?$/i.test(value) ? URL.parse(value) : null
    return url === null || url.hostname.includes('*') ? undefined : url.origin
  }
  return scalar('origin', rule, read, asItIs)
}

/** An address to listen on. */
export type ListenAddress = { readonly host: string; readonly port: number }

export function listenAddress(): Kind<ListenAddress, string> {
  const rule = 'an address and a port, such as 127.0.0.1:8471 or [::1]:8471; port 0 takes any free one'
  const read = (value: unknown) => {
    const [, bracketed, plain, digits] =
      (typeof value === 'string' ? /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value) : null) ?? []
    const port = Number(digits)
    const host = bracketed ?? plain ?? ''
    const isHost = bracketed === undefined ? isIPv4(host) || HOST_NAME.test(host) : isIPv6(bracketed)
    return isHost && port <= 65_535 ? Object.freeze({ host, port }) : undefined
  }
  const show = ({ host, port }: ListenAddress) => `${host.includes(':') ? `[${host}]` : host}:${port}`
  return scalar('address:port', rule, read, show)
}

export function choice<const T extends string>(placeholder: string, choices: readonly T[]): Kind<T, T> {
  return scalar(placeholder, `one of ${choices.join(', ')}`, value => choices.find(each => each === value), asItIs)
}

export function integer(placeholder: string, smallest: number, largest: number): Kind<number, number> {
  const rule = `a whole number from ${smallest} to ${largest}`
  const read = (value: unknown, { asText }: ParseContext) => {
    const number = asText ? numberOf(value, /^-?\d+$/) : value
    const inRange = Number.isSafeInteger(number) && (number as number) >= smallest && (number as number) <= largest
    return inRange ? (number as number) : undefined
  }
  return scalar(placeholder, rule, read, asItIs)
}

export function seconds(smallest: number, largest: number): Kind<number, number> {
  return amount('seconds', smallest, largest)
}

export function days(smallest: number, largest: number): Kind<number, number> {
  return amount('days', smallest, largest)
}

function amount(unit: string, smallest: number, largest: number): Kind<number, number> {
  const read = (value: unknown, { asText }: ParseContext) => {
    const number = asText ? numberOf(value, /^\d+(\.\d+)?$/) : value
    return typeof number === 'number' && number >= smallest && number <= largest ? number : undefined
  }
  return scalar(unit, `a number of ${unit} from ${smallest} to ${largest}`, read, asItIs)
}

function numberOf(value: unknown, form: RegExp): number | undefined {
  return typeof value === 'string' && form.test(value) ? Number(value) : undefined
}

const SWITCH_WORDS: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

export function onOff(): Kind<boolean, boolean> {
  const read = (value: unknown, { asText }: ParseContext) => {
    if (typeof value === 'boolean') return value
    return asText && typeof value === 'string' ? SWITCH_WORDS[value] : undefined
  }
  return { ...scalar('', 'true or false', read, asItIs), shape: 'switch' }
}

/** A path. Relative ones become absolute. */
export function path(): Kind<string, string> {
  const read = (value: unknown, { folder }: ParseContext) => {
    const usable = typeof value === 'string' && value !== '' && !value.includes('\0')
    return usable ? resolve(folder, value) : undefined
  }
  return scalar('path', 'a non-empty path', read, asItIs)
}

/** A secret: no complaint ever shows the value. `read` returns undefined for a value that breaks the rule. */
export function secret<T>(rule: string, read: (value: string) => T | undefined): Kind<Hidden<T>, string> {
  return {
    shape: 'scalar',
    secret: true,
    placeholder: 'secret',
    rule,
    parse(value) {
      const result = typeof value === 'string' ? read(value) : undefined
      return result === undefined
        ? bad(`must be ${rule} (the value is secret and not shown)`)
        : good(new Hidden(result))
    },
    show: value => value.toJSON(),
  }
}

/** A list. In a flag or variable, items are separated by commas; in the file, it is an array. */
export function list<T, Written>(
  item: Kind<T, Written>,
  fewest: number,
  most: number,
  rule: string,
): Kind<readonly T[], readonly Written[]> {
  return {
    shape: 'list',
    secret: item.secret,
    placeholder: `${item.placeholder},…`,
    rule: `${rule}, each ${item.rule}`,
    parse(value, context) {
      const items = context.asText && typeof value === 'string' ? value.split(',').map(each => each.trim()) : value
      if (!Array.isArray(items)) return bad(`must be ${rule}, written as an array, not ${shown(value)}`)
      if (items.length < fewest || items.length > most) return bad(`must be ${rule}, not ${items.length} items`)
      const values: T[] = []
      for (const each of items) {
        const parsed = item.parse(each, context)
        if (!parsed.ok) return bad(`must be ${rule}; each item ${parsed.complaint}`)
        values.push(parsed.value)
      }
      return good(Object.freeze(values))
    },
    show: values => values.map(value => item.show(value)),
  }
}

/** An IPv4 or IPv6 address, or a network in CIDR notation. No zone id, which has no meaning outside its host. */
export function network(): Kind<string, string> {
  return text('address', 'an IP address or a network such as 192.0.2.0/24', value => {
    const [address = '', prefix, ...rest] = value.split('/')
    if (rest.length > 0 || isIP(address) === 0 || address.includes('%')) return false
    return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIPv4(address) ? 32 : 128))
  })
}

/** A network to open. No bits can be set after the prefix: 10.2.3.4/16 might have been meant as a narrower network. */
export function openedNetwork(): Kind<string, string> {
  const rule = 'an IP address or a network such as 10.2.0.0/16, with no bits set after the prefix'
  return text('network', rule, value => parseNetwork(value) !== undefined)
}

/** The prefix of a NAT64 translator. */
export function nat64Prefix(): Kind<string, string> {
  const rule =
    'an IPv6 network of 32, 40, 48, 56, 64 or 96 bits such as 2001:db8:64::/96, whose bits 64 to 71 are zero (RFC 6052)'
  return text('network', rule, value => parseNat64Prefix(value) !== undefined)
}

/** A receiver, or several, that requests go to without the proxy. */
export function directRule(): Kind<DirectRule, string> {
  const rule =
    'a host name, a domain such as .example.com, an IP address or a network, and :port if it is for that port'
  const read = (value: unknown) => (typeof value === 'string' ? parseDirectRule(value) : undefined)
  return scalar('host', rule, read, ({ text }) => text)
}

/** A port or a port range that lies entirely within one of `allowed`. */
export function portRange(allowed: readonly PortRange[]): Kind<PortRange, string | number> {
  const rule = `a port or a port range within ${allowed.map(range => portRangeText(range)).join(' or ')}`
  const read = (value: unknown) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(
      typeof value === 'number' ? String(value) : ((value as string) ?? ''),
    )
    if (match === null) return undefined
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    const isInside = first <= last && contains(allowed, { first, last })
    return isInside ? Object.freeze({ first, last }) : undefined
  }
  return scalar('port', rule, read, range => portRangeText(range))
}

/** A file of certificate authorities: its path, and the certificates in it. Anything else in the file is left out. */
export type CertificateFile = { readonly path: string; readonly pem: string }

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

export function certificateFile(): Kind<CertificateFile, string> {
  const file = path()
  return {
    ...file,
    rule: 'a readable file of PEM certificates',
    parse(value, context) {
      const parsed = file.parse(value, context)
      if (!parsed.ok) return parsed
      let content: string
      try {
        content = context.readFile(parsed.value)
      } catch (error) {
        return bad(`must be a readable file, but ${shown(parsed.value)} cannot be read (${errorCode(error)})`)
      }
      const certificates = content.match(CERTIFICATE) ?? []
      if (certificates.length === 0) return bad(`must contain PEM certificates, but ${shown(parsed.value)} has none`)
      const broken = certificates.findIndex(each => !isCertificate(each))
      if (broken >= 0)
        return bad(`must contain only valid certificates; number ${broken + 1} in ${shown(parsed.value)} is not`)
      return good(Object.freeze({ path: parsed.value, pem: `${certificates.join('\n')}\n` }))
    },
    show: ({ path }) => path,
  }
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem)
  } catch {
    return false
  }
  return true
}

/** The system's code of a failed file operation, such as ENOENT. Never its message, which might quote what was read. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown error'
}
