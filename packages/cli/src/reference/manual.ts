/** The manual page `posthorn.1` (man(7)), of the same definitions as `--help`. */
import type { Command } from 'commander'
import { EXIT, EXIT_MEANINGS } from '../exit.ts'
import { type Described, type Entry, entriesOf, SHARED } from './entries.ts'

type About = { readonly version: string; readonly description: string }

export function writeManual(root: Command, { version, description }: About): string {
  const entries = entriesOf(root)
  const parts = [
    `.TH POSTHORN 1 "" ${quote(`posthorn ${version}`)} "User Commands"`,
    '.SH NAME',
    `posthorn \\- ${escaped(lowerFirst(description.replace(/\.$/, '')))}`,
    '.SH SYNOPSIS',
    '.B posthorn',
    '.RI " command " [ arguments ]',
    '.SH DESCRIPTION',
    'Runs a server of webhooks, examines it, and calls the API of a running one. A command is a noun and a verb; what runs or',
    'examines an installation is one word.',
    '.B \\-\\-help',
    'after any command shows its flags.',
    '.SH COMMANDS',
    ...entries.flatMap(entryLines),
    '.SH COMMON FLAGS',
    'Commands that call a server have these too:',
    ...SHARED.flatMap(termLines),
    '.SH ENVIRONMENT',
    ...VARIABLES.flatMap(termLines),
    'The settings of',
    '.B serve',
    'have a variable each: docs/configuration.md lists them.',
    '.SH FILES',
    ...termLines({
      term: '$XDG_CONFIG_HOME/posthorn/profiles.json',
      description: 'The profiles of posthorn login, with mode 0600. XDG_CONFIG_HOME is ~/.config by default.',
    }),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT_MEANINGS).flatMap(([name, meaning]) =>
      termLines({ term: codeOf(name as keyof typeof EXIT), description: meaning }),
    ),
  ]
  return `${parts.join('\n')}\n`
}

const VARIABLES: readonly Described[] = [
  { term: 'POSTHORN_URL', description: 'The URL of the server. Comes before the profile in use.' },
  {
    term: 'POSTHORN_API_KEY',
    description: 'The API key. Comes before the one of the profile in use. For serve: the root key.',
  },
  { term: 'POSTHORN_TENANT', description: 'The tenant. Comes before the one of the profile in use.' },
  { term: 'NO_COLOR, FORCE_COLOR', description: 'No colours, or always, unless --color says otherwise.' },
  { term: 'PAGER', description: 'Shows long output in a terminal. Default: less -FRX. None if it is empty.' },
]

const codeOf = (name: keyof typeof EXIT): string => (name === 'signal' ? `${EXIT.signal} + n` : String(EXIT[name]))

function entryLines({
  name,
  operands,
  description,
  arguments: operandsDescribed,
  flags,
  hasShared,
  examples,
}: Entry): string[] {
  return [
    `.SS ${quote([name, operands].filter(each => each !== '').join(' '))}`,
    text(description),
    ...[...operandsDescribed, ...flags].flatMap(termLines),
    ...(hasShared ? ['.PP', 'Also takes the common flags.'] : []),
    ...examples.flatMap(([line, does]) => ['.PP', text(does), '.RS', '.nf', text(line), '.fi', '.RE']),
  ]
}

const termLines = ({ term, description }: Described): string[] => ['.TP', `.B ${escaped(term)}`, text(description)]

/** Text of a paragraph. A line that begins with a dot or a quote would be a request. */
const text = (line: string): string => escaped(line).replace(/^(?=[.'])/, '\\&')

/** Characters that mean something to roff. A hyphen that people copy must stay one. */
function escaped(line: string): string {
  const ascii = line
    .replaceAll('…', '...')
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
  return ascii
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replace(/[^ -~]/gu, unit => {
      return `\\[u${unit.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`
    })
}

const quote = (line: string): string => `"${escaped(line).replaceAll('"', '\\(dq')}"`

const lowerFirst = (line: string): string => line.replace(/^Posthorn /, '')
