/**
 * Writes what each packed package contains, as CycloneDX: `node release/sbom.ts dist sbom`. The server's dependencies are
 * built into it, so an installation doesn't show them: the list has the packages that the tarball's own licence texts
 * name, as npm describes them from the lockfile of the build.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkTarballs, type Tarball, tarballsIn } from './publish.ts'

type Property = { readonly name: string; readonly value: string }
type Component = {
  readonly 'bom-ref': string
  readonly name: string
  readonly version?: string
  readonly properties?: readonly Property[]
}

/** The part of CycloneDX that is changed here. */
export type Sbom = {
  readonly metadata: { readonly component?: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const LICENCES = 'package/THIRD-PARTY-LICENCES.txt'

/** Returns `name@version` of each package whose licence a text contains: a line `name version (licence)`, underlined. */
export function packagesIn(licences: string): Set<string> {
  return new Set([...licences.matchAll(/^(\S+) (\S+) \(.+\)\n-+$/gm)].map(([, name, version]) => `${name}@${version}`))
}

/**
 * Leaves of a list only what is in a package, and makes that package its subject. Throws if something is in the package
 * that the list doesn't have.
 */
export function pick(all: Sbom, subject: Pick<Tarball, 'name' | 'version'>, contents: ReadonlySet<string>): Sbom {
  const idOf = ({ name, version }: Pick<Component, 'name' | 'version'>) => `${name}@${version}`
  // npm names a workspace by its folder, and refers to it by its name.
  const own = all.components.find(each => each['bom-ref'].startsWith(`${subject.name}@`))
  if (own === undefined) throw new Error(`npm sbom does not list ${subject.name}: run this in its repository.`)
  const components = all.components.filter(each => contents.has(idOf(each))).map(asShipped)
  const found = new Set(components.map(idOf))
  const missing = [...contents].filter(id => !found.has(id))
  if (missing.length > 0) {
    throw new Error(
      `${subject.name} contains ${missing.join(', ')}, not installed here: pack it from this very commit.`,
    )
  }
  const refs = new Set(components.map(each => each['bom-ref']))
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(each => refs.has(each)) }))
  const needed = new Set(dependencies.flatMap(({ dependsOn }) => dependsOn))
  const first = { ref: own['bom-ref'], dependsOn: [...refs].filter(ref => !needed.has(ref)) }
  const component = asShipped({ ...own, ...subject })
  return { ...all, metadata: { ...all.metadata, component }, components, dependencies: [first, ...dependencies] }
}

/** What is built in is neither private nor for development, whatever it is in the repository. */
function asShipped(component: Component): Component {
  const inRepository = new Set(['cdx:npm:package:private', 'cdx:npm:package:development'])
  return { ...component, properties: (component.properties ?? []).filter(({ name }) => !inRepository.has(name)) }
}

function contentsOf({ file }: Tarball): Set<string> {
  const files = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).split('\n')
  // The client has no dependencies, and so no such file.
  if (!files.includes(LICENCES)) return new Set()
  return packagesIn(execFileSync('tar', ['-xzOf', file, LICENCES], { encoding: 'utf8', maxBuffer: 1 << 26 }))
}

function run(from: string, into: string): void {
  const tarballs = tarballsIn(resolve(from))
  checkTarballs(tarballs, undefined)
  mkdirSync(into, { recursive: true })
  const npm = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']
  const all = JSON.parse(execFileSync('npm', npm, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 })) as Sbom
  for (const tarball of tarballs) {
    const contents = contentsOf(tarball)
    if (tarball.name === 'posthorn' && contents.size === 0) throw new Error(`${tarball.file} has no ${LICENCES}.`)
    const file = join(into, `${tarball.name.replace('@', '').replace('/', '-')}.cdx.json`)
    writeFileSync(
      file,
      `${JSON.stringify(pick(all, { name: tarball.name, version: tarball.version }, contents), null, 2)}\n`,
    )
    process.stdout.write(`${file}: ${contents.size} packages\n`)
  }
}

if (import.meta.main) {
  const [from, into] = process.argv.slice(2)
  if (from === undefined || into === undefined) throw new Error('Specify two folders: node release/sbom.ts dist sbom')
  run(from, into)
}
