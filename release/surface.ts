/**
 * What semantic versioning covers (docs/versions.md), as names that a test can compare: docs/surface.json lists those
 * that exist, and none can disappear from it without a major version.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXIT } from '../packages/cli/src/exit.ts'
import { currentDocument, type Document, type Schema } from '../packages/client/generator/document.ts'
import { allCommands } from '../packages/server/scripts/all-commands.ts'
import { ERRORS } from '../packages/server/src/base/errors.ts'
import { ATTEMPT_ERRORS } from '../packages/server/src/base/model.ts'
import { OPERATIONAL_TYPES } from '../packages/server/src/catalogue/operational-types.ts'
import { describeSettings } from '../packages/server/src/config/descriptions.ts'
import { Metrics, writeMetrics } from '../packages/server/src/observe/metrics.ts'
import { CREATE_PUBLISH } from '../packages/server/src/store/postgres/publish-function.ts'

/** Names by the part that they belong to, sorted. */
export type Surface = Readonly<Record<string, readonly string[]>>

const ROOT = fileURLToPath(new URL('../', import.meta.url))
export const SURFACE_FILE = join(ROOT, 'docs/surface.json')

export async function currentSurface(): Promise<Surface> {
  const document = await currentDocument()
  const parts = {
    'API operations': operationsOf(document),
    'API members': membersOfComponents(document),
    'API errors': Object.entries(ERRORS).map(([code, { status }]) => `${status} ${code}`),
    'attempt errors': ATTEMPT_ERRORS,
    'operational events': OPERATIONAL_TYPES.flatMap(({ name, schema }) => [name, ...membersOf(name, schema as Schema)]),
    'SQL functions': [signatureOf(CREATE_PUBLISH)],
    metrics: await metrics(),
    'log fields': logFields(),
    'command line': commandLine(),
    'exit codes': Object.entries(EXIT).map(([name, code]) => `${code} ${name}`),
    settings: describeSettings().flatMap(({ key, variable, inFile }) => [
      variable,
      ...(inFile ? [`file: ${key}`] : []),
    ]),
    client: await clientExports(),
  }
  return Object.fromEntries(Object.entries(parts).map(([part, names]) => [part, sorted(names)]))
}

export function readSurface(): Surface {
  return JSON.parse(readFileSync(SURFACE_FILE, 'utf8'))
}

/** Both together: what is listed stays listed until someone removes it. */
export function add(listed: Surface, current: Surface): Surface {
  const parts = [...new Set([...Object.keys(listed), ...Object.keys(current)])]
  return Object.fromEntries(parts.map(part => [part, sorted([...(listed[part] ?? []), ...(current[part] ?? [])])]))
}

/** Returns `<part>: <name>` for each name of `one` that the other doesn't have. */
export function missingIn(other: Surface, one: Surface): string[] {
  return Object.entries(one).flatMap(([part, names]) => {
    const found = new Set(other[part])
    return names.filter(name => !found.has(name)).map(name => `${part}: ${name}`)
  })
}

const sorted = (names: readonly string[]) => [...new Set(names)].sort()

function operationsOf({ paths }: Document): string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters = [], requestBody, responses }]) => {
      const name = `${method.toUpperCase()} ${path}`
      const queries = parameters.filter(each => each.in === 'query').map(each => `${name} ?${each.name}`)
      const bodies = Object.values(requestBody?.content ?? {}).flatMap(({ schema }) =>
        membersOf(`${name} body`, schema),
      )
      const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'))
      const answers = successes.flatMap(([status, { content = {} }]) =>
        Object.values(content).flatMap(({ schema }) => membersOf(`${name} ${status}`, schema)),
      )
      return [name, ...queries, ...bodies, ...answers]
    }),
  )
}

const membersOfComponents = ({ components }: Document) =>
  Object.entries(components.schemas).flatMap(([name, schema]) => membersOf(name, schema))

/** Paths of all members and values of a schema. References are not followed: what they name is listed once. */
function membersOf(path: string, schema: Schema | undefined): string[] {
  if (schema === undefined) return []
  const values = (schema.enum ?? []).filter(value => value !== null).map(value => `${path} = ${value}`)
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => [
    `${path}.${name}`,
    ...membersOf(`${path}.${name}`, member),
  ])
  const others = (schema.anyOf ?? []).flatMap(each => membersOf(path, each))
  return [...values, ...members, ...others, ...membersOf(`${path}[]`, schema.items)]
}

/** The first line of a statement that creates a function. */
function signatureOf(statement: string): string {
  return /function (.+)$/m.exec(statement)![1]!
}

/** Names with their labels, of Posthorn's own metrics. */
async function metrics(): Promise<string[]> {
  const store = async () => ({ pending: 0, oldestPendingSeconds: 0, backlog: 0, lagSeconds: 0, setAside: 0 })
  const all = new Metrics({ version: '0', unsettled: () => 0, store })
  all.attach({
    engine: () => ({ inFlight: 0, partitions: 0, lanes: { ordinary: 0, ordered: 0, cautious: 0 } }),
    failedAuthentications: () => 0,
    connections: () => 0,
    closedConnections: () => ({ address: 0, key: 0, port: 0, slow: 0 }),
    mismatches: () => 0,
  })
  const text = await writeMetrics(await all.gather([await all.snapshot()]))
  return [...text.matchAll(/^(posthorn_\w+)(?:\{(.*)\})? /gm)].map(([, name, labels = '']) => {
    // A bucket's bound and a version are values that change.
    const shown = labels.replace(/le="[^"]*"/, 'le').replace(/version="[^"]*"/, 'version')
    return shown === '' ? name! : `${name}{${shown}}`
  })
}

/**
 * The names of fields in log lines, as the source has them. A field that is spread from another object is listed where
 * that object is written as a literal in the same call.
 */
function logFields(): string[] {
  const files = globSync('packages/server/src/**/*.ts', { cwd: ROOT })
  return files.flatMap(file => {
    const source = readFileSync(join(ROOT, file), 'utf8')
    const starts = [...source.matchAll(/\b[lL]og(?:ger)?\.(?:info|warn|error|debug)\(\s*\{/g)]
    const lines = [...source.matchAll(/export function attemptLine\([\s\S]*?\n {2}return \{/g)]
    return [...starts, ...lines].flatMap(({ index, 0: head }) => keysOf(source, index + head.length))
  })
}

/** The keys of an object literal whose opening brace is just before `from`. */
function keysOf(source: string, from: number): string[] {
  let depth = 1
  let end = from
  for (; depth > 0 && end < source.length; end++) {
    if ('{[('.includes(source[end]!)) depth++
    else if ('}])'.includes(source[end]!)) depth--
  }
  // What is nested is no field of the line.
  let flat = source.slice(from, end - 1).replace(/\/\/.*$/gm, '')
  for (let before = ''; before !== flat; ) {
    before = flat
    flat = flat.replace(/\([^()[\]{}]*\)|\[[^()[\]{}]*\]|\{[^()[\]{}]*\}/g, '')
  }
  return flat
    .split(',')
    .map(each => /^\s*(\w+)\s*(?::|$)/.exec(each)?.[1])
    .filter(name => name !== undefined)
}

type Program = ReturnType<typeof allCommands>

/** Commands, arguments and flags. */
function commandLine(): string[] {
  const describe = (command: Program, path: string): string[] => [
    path,
    ...command.registeredArguments.map(argument => `${path} <${argument.name()}>`),
    ...command.options.map(option => `${path} ${option.flags.replace(/ <.*>$/, ' <value>')}`),
    ...command.commands
      .filter(each => !each.name().startsWith('_'))
      .flatMap(each => describe(each, `${path} ${each.name()}`)),
  ]
  return describe(allCommands(), 'posthorn')
}

/** What each entry of the client exports at run time. */
async function clientExports(): Promise<string[]> {
  const folder = join(ROOT, 'packages/client')
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string>>
  }
  const names = await Promise.all(
    Object.entries(exports).map(async ([entry, file]) => {
      const module: object = await import(join(folder, file))
      return Object.keys(module).map(name => `@posthorn/client${entry.slice(1)}: ${name}`)
    }),
  )
  return names.flat()
}
