/** The server of the last release, unpacked from this repository's history, to upgrade from. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type OldServer = {
  /** The tag or commit. */
  readonly release: string
  /** The file of its command line. */
  readonly cli: string
  /** Removes it. */
  remove(): void
}

/** What to upgrade from as long as no release has a tag: the last commit before Posthorn could be installed. */
const BEFORE_THE_FIRST_TAG = 'e8d66662'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

/** The newest tag of a release before this commit, which `npm run release` sets. A tag at this commit is this release. */
export function findLastRelease(root = ROOT): string {
  const describe = ['describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', '--exclude', '*-*', 'HEAD^']
  return git(root, describe)?.toString('utf8').trim() ?? BEFORE_THE_FIRST_TAG
}

/** Unpacks a release's server into a temporary folder, with the packages that it needs. */
export function unpackRelease(release = findLastRelease(), root = ROOT): OldServer {
  const archive = git(root, ['archive', '--format=tar', release, 'package.json', 'package-lock.json', 'packages'])
  if (archive === undefined) {
    throw new Error(
      `This clone does not contain ${release}, the release to upgrade from. Fetch the whole history with its tags: ` +
        'git fetch --unshallow --tags (in a clone that is whole already: git fetch --tags).',
    )
  }
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'posthorn-last-release-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    execFileSync('tar', ['-x', '-C', folder], { input: archive })
    if (hasSamePackages(folder, root)) linkPackages(folder, root)
    else execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts'], { cwd: folder, stdio: 'inherit' })
    return { release, cli: join(folder, 'packages/server/src/cli.ts'), remove }
  } catch (error) {
    remove()
    throw error
  }
}

type Locked = {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly link?: boolean
}

/** Whether everything that the old server needs is installed here in the same version. */
function hasSamePackages(folder: string, root: string): boolean {
  const [old, ours] = [folder, root].map(
    place => JSON.parse(readFileSync(join(place, 'package-lock.json'), 'utf8')).packages as Record<string, Locked>,
  )
  const needed = Object.entries(old!).filter(
    ([path, { dev, optional, link }]) => path.startsWith('node_modules/') && !dev && !optional && !link,
  )
  return needed.every(([path, { version }]) => ours![path]?.version === version)
}

/** Links each installed package, apart from those of the repository itself: the old server gets its own. */
function linkPackages(folder: string, root: string): void {
  const [from, into] = [join(root, 'node_modules'), join(folder, 'node_modules')]
  mkdirSync(join(into, '@posthorn'), { recursive: true })
  for (const name of readdirSync(from)) {
    if (name !== '@posthorn' && name !== 'posthorn') symlinkSync(join(from, name), join(into, name))
  }
  for (const name of readdirSync(join(folder, 'packages'))) {
    symlinkSync(join(folder, 'packages', name), join(into, '@posthorn', basename(name)))
  }
}

/** Returns what git printed. Undefined if it failed. */
function git(root: string, args: readonly string[]): Buffer | undefined {
  try {
    return execFileSync('git', args, { cwd: root, maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return undefined
  }
}
