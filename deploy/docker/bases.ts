/**
 * Stands in for the official base images, which can't be fetched from a registry of packages. Made like them, from the
 * same parts: Debian's minimal system, and Node with npm under /usr/local.
 */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What `debian:…-slim` leaves out of Debian's minimal system, too. */
const SLIM = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/info',
  'var/cache/apt',
  'var/lib/apt/lists',
]

/** Returns the folder of a base image, by its name. It must not be changed. */
export function makeBase(image: string, cache: string): string {
  const debian = /^debian:([a-z]+)-slim$/.exec(image)
  if (debian !== null) return once(join(cache, `debian-${debian[1]}`), folder => makeDebian(debian[1]!, folder))
  const node = /^node:(\d+)(?:\.[\d.]+)?-([a-z]+)-slim$/.exec(image)
  if (node === null) throw new Error(`${image}: there is no stand-in for this base image; see deploy/docker/bases.ts.`)
  const found = readNode()
  const major = found.version.split('.')[0]
  if (major !== node[1])
    throw new Error(`${image}: the project's own Node is ${found.version}; choose node:${major}-….`)
  const base = makeBase(`debian:${node[2]}-slim`, cache)
  return once(join(cache, `node-${found.version}-${node[2]}`), folder => makeNode(base, found.folder, folder))
}

/** Made under another name first, so that what was interrupted is not taken for whole. */
function once(folder: string, make: (folder: string) => void): string {
  if (existsSync(folder)) return folder
  const part = `${folder}.part`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(dirname(folder), { recursive: true })
  make(part)
  renameSync(part, folder)
  return folder
}

function makeDebian(suite: string, folder: string): void {
  // From where this machine gets its own packages.
  const mirrors = execFileSync('apt-get', [
    'indextargets',
    '--format',
    '$(SITE)',
    'Created-By: Packages',
    'Origin: Debian',
  ])
  const mirror = mirrors
    .toString()
    .split('\n')
    .find(each => !each.includes('security'))
  if (mirror === undefined || mirror === '')
    throw new Error('No mirror of Debian is known: run "apt-get update" first.')
  execFileSync('debootstrap', ['--variant=minbase', suite, folder, mirror], { stdio: ['ignore', 'ignore', 'inherit'] })
  // A container runtime makes its own devices.
  execFileSync('find', [join(folder, 'dev'), '-mindepth', '1', '-delete'])
  for (const path of SLIM) rmSync(join(folder, path), { recursive: true, force: true })
}

/** The package that the project's own Node comes in (`scripts/link-node.mjs`). */
function readNode(): { folder: string; version: string } {
  const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`)
  return { folder: dirname(manifest), version: JSON.parse(readFileSync(manifest, 'utf8')).version }
}

function makeNode(debian: string, node: string, folder: string): void {
  execFileSync('cp', ['-a', '--reflink=auto', debian, folder])
  const local = join(folder, 'usr/local')
  copyFileSync(join(node, 'bin/node'), join(local, 'bin/node'))
  copyFileSync(join(node, 'LICENSE'), join(local, 'LICENSE'))
  // This machine's own: `…/npm/bin/npm-cli.js` is what the command is a link to.
  const command = realpathSync(execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim())
  cpSync(dirname(dirname(command)), join(local, 'lib/node_modules/npm'), { recursive: true, verbatimSymlinks: true })
  for (const name of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name))
  }
  execFileSync('chroot', [folder, 'useradd', '--uid', '1000', '--user-group', '--create-home', 'node'])
}
