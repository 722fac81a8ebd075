/** Puts the generated source together. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { comment } from './comments.ts'
import type { Document } from './document.ts'
import { callsOf, ResourceWriter, usualCodes } from './resources.ts'
import { TypeWriter } from './types.ts'
import { classOf, fileOf, methodOf, resourceOf } from './words.ts'

const HEADER = '// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.\n'

const MODELS = `
/** A time in a response, in RFC 3339 format and UTC: \`2026-05-03T08:00:00.000Z\`. */
export type Timestamp = string

/** A time in a call: a \`Date\`, or a text in RFC 3339 format. A date alone, such as \`2026-05-03\`, is midnight UTC. */
export type Time = string | Date

`

/** The files of `src/api` by name, formatted. Throws if the document has something that the generator doesn't know. */
export function generate(document: Document): Map<string, string> {
  const types = new TypeWriter(document)
  const calls = callsOf(document)
  const usual = usualCodes(calls)
  const tags = document.tags.map(({ name }) => name)
  const files = new Map([['models.ts', `${HEADER}${MODELS}${types.models()}`]])
  types.takeMentioned()
  for (const tag of tags) {
    const own = calls.filter(({ operation }) => operation.tags[0] === tag)
    refuseTwins(own.map(({ operation }) => methodOf(operation.operationId, tag)))
    const writer = new ResourceWriter(types, usual)
    const text = writer.resource(tag, own)
    const imports = [...writer.needs]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([file, names]) => importOf(names, file.startsWith('../') ? file : `../http/${file}`))
    const models = types.takeMentioned()
    if (models.length > 0)
      imports.push(
        importOf(
          models.map(name => `type ${name}`),
          './models.ts',
        ),
      )
    files.set(fileOf(tag), `${HEADER}${imports.join('')}${text}`)
  }
  files.set('codes.ts', HEADER + codesFile(document))
  files.set('posthorn.ts', HEADER + clientOf(tags))
  files.set('index.ts', HEADER + indexOf(tags))
  return format(files)
}

/** As the linter sorts names: letter by letter, an upper-case one before the same in lower case. */
const placeOf = (name: string): string =>
  [...name].map(letter => `${letter.toLowerCase()}${letter === letter.toLowerCase() ? 1 : 0}`).join('')

function importOf(names: Iterable<string>, from: string): string {
  const bare = (name: string) => name.replace('type ', '')
  const sorted = [...names].sort((a, b) => (placeOf(bare(a)) < placeOf(bare(b)) ? -1 : 1))
  if (sorted.every(name => name.startsWith('type ')))
    return `import type { ${sorted.map(bare).join(', ')} } from '${from}'\n`
  return `import { ${sorted.join(', ')} } from '${from}'\n`
}

function clientOf(tags: readonly string[]): string {
  const imports = [
    "import { Connection } from '../http/connection.ts'\n",
    "import type { ClientOptions } from '../http/options.ts'\n",
    ...tags
      .map(tag => `import { ${classOf(tag)} } from './${fileOf(tag)}'\n`)
      .sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1)),
  ]
  const about = comment(
    [
      'A client of the API of Posthorn, with one member for each resource.',
      "To load less code, create a resource's class yourself: `new DeliveriesResource(new Connection(options))`.",
    ],
    '',
  )
  return `${imports.join('')}
${about}export class Posthorn {
${tags.map(tag => `  readonly ${resourceOf(tag)}: ${classOf(tag)}\n`).join('')}
  /** Sends nothing. Throws TypeError for options that can't be used. */
  constructor(options: ClientOptions) {
    const connection = new Connection(options)
${tags.map(tag => `    this.${resourceOf(tag)} = new ${classOf(tag)}(connection)\n`).join('')}  }
}
`
}

function codesFile({ components }: Document): string {
  const codes = components.schemas.Problem?.properties?.code?.enum ?? []
  return `/** The error codes that this client knows. */
export const ERROR_CODES = [${codes.map(code => `'${code}'`).join(', ')}] as const
`
}

/** Without the extension: the formatter sorts `portal` before `portal-looks`. */
const pathOf = (line: string) => line.replace(/.* from /s, '').replace(/\.ts'\n$/, '')

function indexOf(tags: readonly string[]): string {
  const files = [...tags.map(fileOf), 'posthorn.ts'].map(file => `export * from './${file}'\n`)
  return [...files, "export type * from './models.ts'\n"].sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1)).join('')
}

function refuseTwins(names: readonly string[]): void {
  const twin = names.find((name, index) => names.indexOf(name) !== index)
  if (twin !== undefined) throw new Error(`Two operations would be the method ${twin}: change one's operationId or tag`)
}

/** Formats all files in one run of the formatter, because starting it takes longest. */
function format(files: ReadonlyMap<string, string>): Map<string, string> {
  const mark = (name: string) => `// file: ${name}\n`
  const input = [...files].map(([name, text]) => mark(name) + text).join('\n')
  const biome = fileURLToPath(new URL('../../../node_modules/.bin/biome', import.meta.url))
  const cwd = fileURLToPath(new URL('../../..', import.meta.url))
  const args = ['format', '--stdin-file-path=packages/client/src/api/all.ts']
  const { status, stdout, stderr } = spawnSync(biome, args, { cwd, input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`The generated source can't be formatted: ${stderr}`)
  const parts = stdout.split(/^\/\/ file: (.*)\n/m).slice(1)
  return new Map([...files.keys()].map((name, index) => [name, `${parts[2 * index + 1]!.trim()}\n`]))
}
