/** The version of everything in this repository: all packages have the same one. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Manifest = {
  readonly name: string
  version?: string
  readonly private?: boolean
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

/** Where else the version is: a chart's own version and that of what it installs, the image's, and what the client says. */
const OTHERS = [
  { files: 'deploy/**/Chart.yaml', pattern: /^((?:version|appVersion): *)\d[\w.+-]*$/gm },
  { files: 'Dockerfile', pattern: /^(ARG VERSION=)\d[\w.+-]*$/gm },
  { files: 'deploy/compose/*.yaml', pattern: /^( *image: posthorn:)\d[\w.+-]*$/gm },
  { files: 'packages/client/src/version.ts', pattern: /^(export const VERSION = ')[^']*/gm },
]

/** Returns the version that all packages have. Throws if they differ. */
export function readVersion(root: string): string {
  const versions = new Map(
    manifestsOf(root).flatMap(({ file, manifest: { version } }) => (version ? [[version, file]] : [])),
  )
  const [version, ...others] = versions.keys()
  if (version === undefined || others.length > 0) {
    throw new Error(`All packages must have the same version, but these differ: ${[...versions.values()].join(', ')}.`)
  }
  return version
}

/** Writes the version into each package, each place where one depends on another, the image and the chart. Returns the files. */
export function writeVersion(root: string, version: string): string[] {
  const manifests = manifestsOf(root)
  const names = new Set(manifests.map(({ manifest }) => manifest.name))
  for (const { file, manifest } of manifests) {
    if (manifest.version !== undefined) manifest.version = version
    for (const pinned of [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies]) {
      // A range such as ^0.1.0 keeps its sign.
      for (const [name, range] of Object.entries(pinned ?? {})) {
        if (names.has(name)) pinned![name] = range.replace(/\d.*$/, version)
      }
    }
    writeFileSync(join(root, file), `${JSON.stringify(manifest, null, 2)}\n`)
  }
  const others = OTHERS.flatMap(({ files, pattern }) => globSync(files, { cwd: root }).map(file => ({ file, pattern })))
  for (const { file, pattern } of others) {
    writeFileSync(join(root, file), readFileSync(join(root, file), 'utf8').replace(pattern, `$1${version}`))
  }
  return [...manifests.map(({ file }) => file), ...others.map(({ file }) => file)]
}

function manifestsOf(root: string): { readonly file: string; readonly manifest: Manifest }[] {
  const files = ['package.json', ...globSync('packages/*/package.json', { cwd: root }).sort()]
  return files.map(file => ({ file, manifest: JSON.parse(readFileSync(join(root, file), 'utf8')) }))
}
