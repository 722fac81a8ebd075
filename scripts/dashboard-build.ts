/**
 * Builds the dashboard where it is missing or older than its sources, once at a time. A server that runs in the meantime
 * serves what is in the folder: it shows that a build is running while there is the lock, and the new files after it.
 */
import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, gzip, constants as zlib } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const PACKAGE = join(root, 'packages/dashboard')

const receiver = (file: string) => join(root, 'examples/receivers', file)

export type Build = {
  /** Where the built files go. */
  readonly folder: string
  /** Files and folders that the build depends on. */
  readonly sources: readonly string[]
  /** Names that are left out in those folders. */
  readonly except: ReadonlySet<string>
  /** The program that writes the files to a folder, with its arguments. */
  readonly command: (target: string) => readonly [program: string, ...args: string[]]
  /** The folder to run it in. */
  readonly in: string
}

export const DASHBOARD: Build = {
  folder: join(PACKAGE, 'dist'),
  sources: [
    PACKAGE,
    join(root, 'packages/client/src'),
    // What it shows as code.
    ...['plain/receiver.mjs', 'plain/receiver.py', 'plain/receiver.go', 'plain/Receiver.java'].map(receiver),
    ...['php/public/receiver.php', 'csharp/Program.cs'].map(receiver),
    join(root, 'package-lock.json'),
    fileURLToPath(import.meta.url),
  ],
  except: new Set(['dist', 'dist.next', 'dist.old', 'dist.lock', 'node_modules', 'test']),
  command: target => [
    process.execPath,
    viteOf(root),
    'build',
    '--outDir',
    target,
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ],
  in: PACKAGE,
}

/** What the build notes in its folder: the digest of the sources that it was built from. */
const NOTE = 'build.json'
/** How often a build notes that it is running; the server and other builds believe it for five times as long. */
const ALIVE_EVERY_MS = 2_000
const ALIVE_MS = 10_000
const WAIT_MS = 100
/** Below it, compressing saves less than the header about it costs. */
const MIN_BYTES_TO_COMPRESS = 1_024
const COMPRESSED = /\.(?:js|css|svg|json|webmanifest|txt)$/

function viteOf(folder: string): string {
  const vite = join(folder, 'node_modules/vite/bin/vite.js')
  if (existsSync(vite)) return vite
  throw new Error("The dashboard's packages are not installed. Run npm ci, without --omit=dev.")
}

/** Rejects with a message for the person who wanted the dashboard. */
export async function buildDashboard(build: Build = DASHBOARD): Promise<'built' | 'current'> {
  const digest = digestOf(build)
  if (isCurrent(build, digest)) return 'current'
  const unlock = await lock(`${build.folder}.lock`)
  try {
    // Another build might have been the one that we waited for.
    if (isCurrent(build, digest)) return 'current'
    const next = `${build.folder}.next`
    rmSync(next, { recursive: true, force: true })
    await run(build, next)
    await compressAll(next)
    writeFileSync(join(next, NOTE), `${JSON.stringify({ digest })}\n`)
    const old = `${build.folder}.old`
    rmSync(old, { recursive: true, force: true })
    if (existsSync(build.folder)) renameSync(build.folder, old)
    renameSync(next, build.folder)
    rmSync(old, { recursive: true, force: true })
    return 'built'
  } finally {
    unlock()
  }
}

function isCurrent({ folder }: Build, digest: string): boolean {
  try {
    const note = JSON.parse(readFileSync(join(folder, NOTE), 'utf8')) as { digest?: unknown }
    return note.digest === digest && existsSync(join(folder, 'index.html'))
  } catch {
    return false
  }
}

/** Of names and contents of all sources. */
export function digestOf({ sources, except }: Pick<Build, 'sources' | 'except'>): string {
  const hash = createHash('sha256')
  const add = (path: string, name: string): void => {
    if (except.has(name) || !existsSync(path)) return
    if (statSync(path).isDirectory()) {
      hash.update(`folder ${name}\n`)
      for (const inner of readdirSync(path).sort()) add(join(path, inner), inner)
      hash.update('end\n')
    } else {
      const content = readFileSync(path)
      hash.update(`file ${name} ${content.length}\n`).update(content)
    }
  }
  for (const [index, source] of sources.entries()) add(source, `source ${index}`)
  return hash.digest('hex')
}

/** Waits until no other build runs, and returns what lets the next one run. */
async function lock(file: string): Promise<() => void> {
  for (;;) {
    try {
      const handle = openSync(file, 'wx')
      writeSync(handle, `${process.pid}\n`)
      closeSync(handle)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (isAbandoned(file)) takeAway(file)
      else await new Promise(resolve => setTimeout(resolve, WAIT_MS))
    }
  }
  const alive = setInterval(() => utimesSync(file, new Date(), new Date()), ALIVE_EVERY_MS)
  const unlock = () => {
    clearInterval(alive)
    process.off('exit', unlock)
    rmSync(file, { force: true })
  }
  process.once('exit', unlock)
  return unlock
}

/** A build that was killed leaves its lock behind. */
function isAbandoned(file: string): boolean {
  try {
    if (Date.now() - statSync(file).mtimeMs > ALIVE_MS) return true
    const pid = Number(readFileSync(file, 'utf8'))
    // Empty in the moment between creating and writing it.
    return pid > 0 && !isRunning(pid)
  } catch {
    // It has ended since.
    return false
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Renamed first: of several that find it abandoned, one has it, and none removes the lock of the next build. */
function takeAway(file: string): void {
  const own = `${file}.${randomUUID()}`
  try {
    renameSync(file, own)
  } catch {
    return
  }
  if (isAbandoned(own)) rmSync(own, { force: true })
  else renameSync(own, file)
}

function run({ command, in: cwd }: Build, target: string): Promise<void> {
  const [program, ...args] = command(target)
  // Whatever it is set to here, such as `test`: React would be built for development, half as large again.
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => void child.kill()
  process.once('exit', kill)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', part => (output += part))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => {
      process.off('exit', kill)
      if (code === 0) resolve()
      else reject(new Error(`The dashboard could not be built:\n${output.trimEnd()}`))
    })
  })
}

/** Writes compressed copies next to the files, for the server to send as they are. */
async function compressAll(folder: string): Promise<void> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  await Promise.all(
    entries
      .filter(entry => entry.isFile() && COMPRESSED.test(entry.name))
      .map(async ({ parentPath, name }) => {
        const file = join(parentPath, name)
        const bytes = await readFile(file)
        if (bytes.length < MIN_BYTES_TO_COMPRESS) return
        const params = { [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length }
        await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, { params }))
        await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }))
      }),
  )
}
