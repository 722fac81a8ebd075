/**
 * `npm run publish:packages [-- --dry-run]`: publishes the tarballs in `dist/`, as `npm run pack` made them. The release
 * workflow runs it with an identity (provenance); a dry run needs no account.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export type Tarball = { readonly file: string; readonly name: string; readonly version: string; readonly bytes: number }

/** In the order in which they are published: a package comes after those that it depends on. */
const PACKAGES = ['@posthorn/client', 'posthorn']

/** The packages in a folder, by their own manifests. */
export function tarballsIn(folder: string): Tarball[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter(name => name.endsWith('.tgz'))
  const found = files.map(name => {
    const file = join(folder, name)
    const manifest = execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' })
    return { file, ...(JSON.parse(manifest) as { name: string; version: string }), bytes: statSync(file).size }
  })
  return found
    .map(({ file, name, version, bytes }) => ({ file, name, version, bytes }))
    .sort((a, b) => PACKAGES.indexOf(a.name) - PACKAGES.indexOf(b.name))
}

/** Which of npm's tags a version gets: `next` for a candidate, so that no one installs it unless they ask for it. */
export const tagFor = (version: string): 'latest' | 'next' => (version.includes('-') ? 'next' : 'latest')

/** One line for each package. */
export function describePublication(version: string, tarballs: readonly Tarball[]): string[] {
  return PACKAGES.map(name => {
    const packed = tarballs.find(each => each.name === name)
    const size =
      packed === undefined
        ? 'not packed here; npm run pack does'
        : `packed here: ${packed.version}, ${packed.bytes} bytes`
    return `${name}@${version} (tag ${tagFor(version)}; ${size})`
  })
}

/** Throws unless the folder has each package once, all in the version that is released. */
export function checkTarballs(tarballs: readonly Tarball[], version: string | undefined): void {
  const names = tarballs.map(({ name }) => name)
  if (names.join() !== PACKAGES.join()) {
    throw new Error(
      `dist/ must contain a tarball each of ${PACKAGES.join(' and ')}, and nothing else: run npm run pack.`,
    )
  }
  const wrong = tarballs.find(each => each.version !== (version ?? tarballs[0]!.version))
  if (wrong !== undefined)
    throw new Error(`${wrong.file} is version ${wrong.version}, not ${version}: run npm run pack.`)
}

function publish(tarball: Tarball, isDryRun: boolean): void {
  if (!isDryRun && isPublished(tarball)) {
    // The workflow was run again after it had failed halfway.
    process.stdout.write(`${tarball.name}@${tarball.version} is published already\n`)
    return
  }
  const flags = ['--access', 'public', '--tag', tagFor(tarball.version), '--ignore-scripts', '--loglevel', 'notice']
  // Provenance comes from the workflow's own identity.
  const how = isDryRun ? ['--dry-run'] : ['--provenance']
  execFileSync('npm', ['publish', tarball.file, ...flags, ...how], { stdio: 'inherit' })
}

function isPublished({ name, version }: Tarball): boolean {
  try {
    return execFileSync('npm', ['view', `${name}@${version}`, 'version'], { encoding: 'utf8' }).trim() === version
  } catch {
    return false // npm view fails if the package doesn't exist yet
  }
}

function run(): void {
  const options = { 'dry-run': { type: 'boolean' }, version: { type: 'string' } } as const
  const { values } = parseArgs({ options })
  const tarballs = tarballsIn(fileURLToPath(new URL('../dist', import.meta.url)))
  checkTarballs(tarballs, values.version?.replace(/^v/, ''))
  for (const tarball of tarballs) publish(tarball, values['dry-run'] === true)
}

if (import.meta.main) {
  try {
    run()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
