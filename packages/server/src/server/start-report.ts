/** What a person in front of a terminal reads when the server has started: where everything is, and what to do next. */
import { ownCommand } from '@posthorn/cli/shell'
import { plain, wrap } from '@posthorn/cli/widths'
import { VERSION } from '../base/own-files.ts'
import type { Config } from '../config/config.ts'

export type StartFacts = {
  readonly config: Pick<Config, 'data' | 'databaseUrl' | 'dev' | 'egressAddresses' | 'role'>
  /** The URL that the API listens on. */
  readonly url: string
  /** The URL that browsers reach the dashboard by. Null if there is none. */
  readonly dashboardUrl: string | null
  /** What other users can open, in sentences. */
  readonly exposed: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether the installation is new: its API key has just been generated. */
  readonly isNew: boolean
}

const LABEL_WIDTH = 11
const INDENT = 2
/** Without a terminal, whose width would be known. */
const DEFAULT_COLUMNS = 100

/** @param columns width of the terminal. Default: 100 */
export function startReport(facts: StartFacts, columns: number = DEFAULT_COLUMNS): string {
  const { config, url, dashboardUrl } = facts
  const places = [
    ['API', url],
    ...(dashboardUrl === null ? [] : [['Dashboard', dashboardUrl]]),
    ['Data', placeOf(config)],
  ]
  const blocks = [
    places.map(([label, text]) => row(label!, plain(text!), columns)),
    dangersOf(facts).map((text, at) => row(at === 0 ? 'Careful' : '', plain(text), columns)),
    nextOf(facts).map((command, at) => labelled(at === 0 ? 'Next' : '', [command])),
  ]
  const texts = blocks.filter(lines => lines.length > 0).map(lines => lines.join(''))
  const head = wrap(`Posthorn ${VERSION} is running. Stop it with Ctrl-C.`, Math.max(1, columns)).join('\n')
  return `${head}\n\n${texts.join('\n')}\n`
}

const row = (label: string, text: string, columns: number): string =>
  labelled(label, wrap(text, Math.max(1, columns - INDENT - LABEL_WIDTH)))

function labelled(label: string, lines: readonly string[]): string {
  return lines
    .map((line, at) => `${' '.repeat(INDENT)}${(at === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}\n`)
    .join('')
}

/** The database without its user and password. */
function placeOf({ data, databaseUrl }: StartFacts['config']): string {
  if (databaseUrl === null) return data
  const { hostname, port, pathname } = new URL(databaseUrl.reveal())
  const host = hostname === '' ? '' : ` on ${hostname}${port === '' ? '' : `:${port}`}`
  return `PostgreSQL${pathname.length > 1 ? `, database ${pathname.slice(1)}` : ''}${host}`
}

function dangersOf({ config, exposed }: StartFacts): string[] {
  const { dev, egressAddresses, role } = config
  const dangers = [...exposed]
  if (dev) {
    dangers.push(
      'Development mode (--dev): endpoints on this machine are allowed, also over http://. Never use it in production.',
    )
  } else if (egressAddresses.length === 0 && role !== 'api') {
    dangers.push(
      'Receivers behind a firewall cannot know where deliveries come from. If the addresses are fixed, publish them with --egress-addresses.',
    )
  }
  return dangers
}

function nextOf({ config, url, isNew, environment }: StartFacts): string[] {
  const { role, databaseUrl, data, dev } = config
  if (role === 'delivery') return []
  const commands = isNew
    ? [
        ['login', '--url', url, '--tenant', 'acme'],
        ['tenants', 'put', 'acme', '--name', 'Acme Ltd'],
        ['listen', '--forward', 'http://localhost:3000/hooks'],
      ]
    : [['doctor', ...(dev ? ['--dev'] : []), ...(databaseUrl === null ? ['--data', data] : [])]]
  return commands.map(words => ownCommand(words, environment))
}
