/**
 * What release-it has to know about this repository (.release-it.json names this file): the next version comes from the
 * parts of the hand-written changelog, and all packages get the same one. `npm run release` has a dry run that writes
 * nothing and needs no account.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Plugin } from 'release-it'
import { cut, incrementFor, partsOf, unreleased, versionAfter } from './changelog.ts'
import { describePublication, tarballsIn } from './publish.ts'
import { readVersion, writeVersion } from './versions.ts'

const PAGE = 'CHANGELOG.md'

type Asked = { readonly latestVersion: string; readonly increment?: string | false; readonly isPreRelease?: boolean }

export default class PosthornRelease extends Plugin {
  static disablePlugin(): string[] {
    return ['npm']
  }

  getName(): string {
    return 'posthorn and @posthorn/client'
  }

  getLatestVersion(): string {
    return readVersion(process.cwd())
  }

  getChangelog(): string {
    return unreleased(readFileSync(PAGE, 'utf8'))
  }

  /** Undefined if the version or the kind of increment was specified: release-it's own plugin knows what to do then. */
  getIncrementedVersionCI({ latestVersion, increment, isPreRelease }: Asked): string | undefined {
    if (increment || isPreRelease) return undefined
    // Packages have the version of the last release. Before the first one, they have the version that is to be released.
    if (git('rev-parse', '--verify', '--quiet', `refs/tags/v${latestVersion}`) === undefined) return latestVersion
    return versionAfter(latestVersion, incrementFor(partsOf(this.getChangelog())))
  }

  init(): void {
    const branch = git('branch', '--show-current') ?? ''
    if (this.config.isDryRun || branch === 'main' || /^\d+\.x$/.test(branch)) return
    throw new Error(`Releases are made from main, or from 1.x for fixes of an older version, not from "${branch}".`)
  }

  async bump(version: string): Promise<void> {
    const { isDryRun } = this.config
    const day = new Date().toISOString().slice(0, 10)
    this.log.exec(`write ${version} into each package.json and ${PAGE}`, { isDryRun })
    if (!isDryRun) {
      writeVersion(process.cwd(), version)
      writeFileSync(PAGE, cut(readFileSync(PAGE, 'utf8'), version, day))
    }
    // The lock names the versions of the repository's own packages.
    await this.exec('npm install --package-lock-only --ignore-scripts')
  }

  /** Says what the workflow publishes once the tag is pushed. Nothing is published from here. */
  afterRelease(): void {
    const { version } = this.config.getContext() as { readonly version: string }
    const dist = join(process.cwd(), 'dist')
    this.log.log(`\n.github/workflows/release.yml publishes, for the tag v${version}:`)
    for (const line of describePublication(version, tarballsIn(dist))) this.log.log(`  ${line}`)
  }
}

/** Returns what git printed. Undefined if it failed. */
function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
