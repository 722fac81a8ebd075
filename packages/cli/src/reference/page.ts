/** The page docs/commands.md, of the same definitions as `--help`. */
import type { Command } from 'commander'
import { type Described, type Entry, entriesOf, SHARED } from './entries.ts'

const HEAD = `# All commands

This page is for everyone who looks for a command or a flag. It lists all of them, as \`--help\` and \`man posthorn\` do.
[The command line](command-line.md) explains what they have in common. It is generated: \`npx node
packages/server/scripts/write-docs.ts\`.
`

const FOOT = `
## Next

[The command line](command-line.md) · [Configuration](configuration.md): the settings that \`serve\` takes as flags
`

/** @param settings the flags of \`serve\`, which another page describes */
export function writePage(root: Command, settings: readonly string[]): string {
  const entries = entriesOf(root)
  const index = entries.map(each => `| [\`${nameOf(each)}\`](#${anchorOf(each)}) | ${cell(each.description)} |`)
  return [
    HEAD,
    '| command | what it does |',
    '| --- | --- |',
    ...index,
    '\n## Flags of all commands that call a server\n',
    '| flag | what it does |',
    '| --- | --- |',
    ...SHARED.map(row),
    ...entries.map(each => sectionOf(each, settings)),
    FOOT,
  ].join('\n')
}

function sectionOf(entry: Entry, settings: readonly string[]): string {
  const { description, arguments: operands, flags, examples } = entry
  const own = flags.filter(({ term }) => !settings.includes(longOf(term)))
  const isConfigured = own.length < flags.length
  const table = [...operands, ...own].map(row)
  return [
    `\n## ${nameOf(entry).replaceAll('<', '\\<')}\n`,
    description,
    ...(table.length === 0 ? [] : ['', '| flag | what it does |', '| --- | --- |', ...table]),
    ...(isConfigured ? ['\nIt takes [settings](configuration.md) as flags too.'] : []),
    ...(examples.length === 0
      ? []
      : ['', '```sh', ...examples.flatMap(([line, does]) => [`# ${does}`, npx(line)]), '```']),
  ].join('\n')
}

const nameOf = ({ name, operands }: Entry): string => [name, operands].filter(each => each !== '').join(' ')

/** As GitHub makes it of the heading. */
const anchorOf = (entry: Entry): string =>
  nameOf(entry)
    .toLowerCase()
    .replace(/[^a-z0-9\s_-]/g, '')
    .replace(/\s/g, '-')

const longOf = (term: string): string => /--[\w-]+/.exec(term)?.[0].replace(/^--no-/, '--') ?? term

const row = ({ term, description }: Described): string => `| \`${cell(term)}\` | ${cell(description)} |`

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', text.startsWith('-') ? '<' : '\\<')

/** Works from a clone. */
const npx = (line: string): string => line.replace(/(^|\()posthorn /, '$1npx posthorn ')
