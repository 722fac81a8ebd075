/** The files that say how names are resolved on this machine. A change is noticed within a second. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Clock } from '../../base/clock.ts'
import { type AddressTables, parseGaiConf } from './address-order.ts'
import { type HostsFile, parseHosts } from './hosts-file.ts'
import { parseResolvConf, type ResolvConf, type ResolverEnvironment } from './resolv-conf.ts'

export type NamePaths = {
  readonly nsswitch: string
  readonly resolvConf: string
  readonly hosts: string
  readonly gaiConf: string
}

export const NAME_PATHS: NamePaths = {
  nsswitch: '/etc/nsswitch.conf',
  resolvConf: '/etc/resolv.conf',
  hosts: '/etc/hosts',
  gaiConf: '/etc/gai.conf',
}

export type NameConfiguration = {
  /** Where names are looked up, in order. `system`: in a way that only the system's own resolver knows. */
  readonly sources: readonly ('files' | 'dns')[] | 'system'
  readonly resolvConf: ResolvConf
  readonly hosts: HostsFile
  readonly tables: AddressTables
}

const CHECK_MS = 1_000

export class NameFiles {
  readonly #clock: Clock
  readonly #paths: NamePaths
  readonly #environment: ResolverEnvironment
  #checkedAtMs = Number.NEGATIVE_INFINITY
  #stamp = ''
  #current: NameConfiguration | undefined

  constructor(clock: Clock, environment: ResolverEnvironment, paths: NamePaths = NAME_PATHS) {
    this.#clock = clock
    this.#environment = environment
    this.#paths = paths
  }

  /** What applies now: a different object once a file has changed. */
  current(): NameConfiguration {
    const nowMs = this.#clock.monotonicMs()
    if (this.#current !== undefined && nowMs - this.#checkedAtMs < CHECK_MS) return this.#current
    this.#checkedAtMs = nowMs
    const stamp = Object.values(this.#paths).map(stampOf).join(' ')
    if (this.#current === undefined || stamp !== this.#stamp) {
      this.#stamp = stamp
      this.#current = this.#read()
    }
    return this.#current
  }

  #read(): NameConfiguration {
    const { nsswitch, resolvConf, hosts, gaiConf } = this.#paths
    return {
      sources: process.platform === 'linux' ? parseSources(textOf(nsswitch)) : 'system',
      resolvConf: parseResolvConf(textOf(resolvConf) ?? '', this.#environment, hostname()),
      hosts: parseHosts(textOf(hosts) ?? ''),
      tables: parseGaiConf(textOf(gaiConf) ?? ''),
    }
  }
}

/** @param text of nsswitch.conf(5). Undefined if there is none */
export function parseSources(text: string | undefined): NameConfiguration['sources'] {
  const line = text?.split('\n').findLast(each => /^\s*hosts\s*:/.test(each))
  // musl knows no such file. What glibc does without one depends on its version.
  if (line === undefined) return isMusl() ? ['files', 'dns'] : 'system'
  const words = line
    .replace(/^[^:]*:|#.*/g, '')
    .split(/\s+/)
    .filter(word => word !== '')
  const areKnown = words.length > 0 && words.every(word => word === 'files' || word === 'dns')
  return areKnown ? (words as ('files' | 'dns')[]) : 'system'
}

function isMusl(): boolean {
  try {
    return readdirSync('/lib').some(file => file.startsWith('ld-musl'))
  } catch {
    return false
  }
}

function stampOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    return `${ino}/${size}/${mtimeNs}/${ctimeNs}`
  } catch {
    return '-'
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
