/**
 * P1: what the package costs those who install it: how long `posthorn serve` takes until it is ready, in units of the
 * time that Node takes to do nothing; the memory of the idle server with all its children; and how much is installed. The
 * package is made of this repository, and installed in an empty folder as a user does it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { install, makeTarballs } from '../packaging/tarballs.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { memoryOf } from './memory.ts'
import type { BenchResult } from './result.ts'
import { summarise } from './statistics.ts'
import { type TemporaryFolder, temporaryFolder } from './temporary.ts'

const GOALS = { ratio: 12, idleMegabytes: 120, packages: 1, installedMegabytes: 15 }
const STARTS = { full: 15, short: 5 }
/** A thread that no one has used for a minute has ended by then, and what the start took has been given back. */
const IDLE_MS = 75_000
const MEGABYTE = 1_048_576

export const start: Bench = {
  id: 'P1',
  name: 'start',
  summary: 'startup of the installed package, divided by that of Node; memory of the idle server; what is installed',
  run: runBench,
}

/** Durations in milliseconds. */
type Start = {
  /** Of `node -e 0`. */
  readonly node: number
  /** Until a server with a new data folder is ready. */
  readonly fresh: number
  /** Until a server is ready that has been started in this folder before. */
  readonly again: number
}

async function runBench({ short }: RunOptions, say: Say): Promise<BenchResult> {
  const starts = short ? STARTS.short : STARTS.full
  const folder = temporaryFolder()
  try {
    say(`${start.id}: making the package, and installing it in an empty folder`)
    const home = join(folder.path, 'installed')
    install(home, [(await makeTarballs(join(folder.path, 'packed'))).posthorn], ['--offline'])
    const first = await timeStart(home, join(folder.path, 'first'))
    say('run  node -e 0 ms  new folder ms  known folder ms')
    const runs: Start[] = []
    for (let run = 1; run <= starts; run++) {
      const data = join(folder.path, `data-${run}`)
      const each = { node: timeNode(), fresh: await timeStart(home, data), again: await timeStart(home, data) }
      runs.push(each)
      const cells = [String(run).padStart(3), each.node.toFixed(1).padStart(12), each.fresh.toFixed(0).padStart(13)]
      say([...cells, each.again.toFixed(0).padStart(15)].join('  '))
    }
    say(`leaving a server alone for ${IDLE_MS / 1_000} s`)
    const idleMegabytes = await measureIdle(home, folder)
    return conclude(runs, { first, idleMegabytes, ...installedIn(join(home, 'node_modules')) })
  } finally {
    folder.remove()
  }
}

function timeNode(): number {
  const startedAtMs = performance.now()
  const { status } = spawnSync(process.execPath, ['-e', '0'])
  if (status !== 0) throw new Error('node -e 0 failed.')
  return performance.now() - startedAtMs
}

type Server = { readonly pid: number; readonly readyMs: number; end(): Promise<void> }

/** Runs what npm has linked as `posthorn`. Resolves once it says that it is ready. */
async function startInstalled(home: string, data: string): Promise<Server> {
  const startedAtMs = performance.now()
  const { POSTHORN_API_KEY: _, NODE_COMPILE_CACHE: __, NODE_OPTIONS: ___, MALLOC_ARENA_MAX: ____, ...env } = process.env
  const program = join(home, 'node_modules/.bin/posthorn')
  const child = spawn(program, ['serve', '--data', data, '--port', '0'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  for await (const text of child.stderr.setEncoding('utf8')) {
    const [, url] = /listening on (\S+)\. /.exec(text as string) ?? []
    if (url === undefined) continue
    const { status } = await fetch(`${url}/readyz`)
    const readyMs = performance.now() - startedAtMs
    if (status !== 200) throw new Error(`GET /readyz returned ${status}.`)
    return {
      pid: child.pid!,
      readyMs,
      async end() {
        child.kill('SIGTERM')
        await ended
      },
    }
  }
  throw new Error('The installed server ended before it was listening.')
}

async function timeStart(home: string, data: string): Promise<number> {
  const { readyMs, end } = await startInstalled(home, data)
  await end()
  return readyMs
}

async function measureIdle(home: string, folder: TemporaryFolder): Promise<number | undefined> {
  const server = await startInstalled(home, join(folder.path, 'idle'))
  try {
    await wait(IDLE_MS)
    const known = treeOf(server.pid).map(memoryOf)
    return known.includes(undefined) ? undefined : known.reduce((sum, memory) => sum + memory!.residentMegabytes, 0)
  } finally {
    await server.end()
  }
}

/** The process, and all processes that it has started, directly or not. Only the process itself if that is unknown. */
function treeOf(pid: number): number[] {
  if (process.platform !== 'linux') return [pid]
  const children = readdirSync(`/proc/${pid}/task`).flatMap(thread =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(treeOf)]
}

type Installed = { readonly packages: number; readonly installedMegabytes: number }

function installedIn(folder: string): Installed {
  const names = readdirSync(folder).filter(name => !name.startsWith('.'))
  const packages = names.flatMap(name => (name.startsWith('@') ? readdirSync(join(folder, name)) : [name])).length
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    // What Node keeps of compiled code is made by the server, not installed.
    .filter(name => !name.includes('.compiled'))
    .map(name => lstatSync(join(folder, name)))
  const bytes = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)
  return { packages, installedMegabytes: bytes / MEGABYTE }
}

type Found = Installed & { readonly first: number; readonly idleMegabytes: number | undefined }

function conclude(runs: readonly Start[], { first, idleMegabytes, packages, installedMegabytes }: Found): BenchResult {
  const of = (key: keyof Start) => summarise(runs.map(run => run[key]))
  const ratios = summarise(runs.map(({ node, again }) => again / node))
  const freshRatios = summarise(runs.map(({ node, fresh }) => fresh / node))
  const memory = { name: 'idle resident memory', unit: 'MB', goal: GOALS.idleMegabytes, bound: 'atMost' } as const
  return {
    id: start.id,
    title: 'Startup, idle memory and size of the installed package',
    measures: [
      { name: 'ready ÷ node -e 0', unit: '', value: ratios.median, goal: GOALS.ratio, bound: 'atMost' },
      ...(idleMegabytes === undefined ? [] : [{ ...memory, value: idleMegabytes }]),
      { name: 'packages installed', unit: '', value: packages, goal: GOALS.packages, bound: 'atMost' },
      { name: 'installed', unit: 'MB', value: installedMegabytes, goal: GOALS.installedMegabytes, bound: 'atMost' },
    ],
    bars: [
      {
        name: 'Time',
        unit: 'ms',
        bars: [
          { name: 'node -e 0', summary: of('node') },
          { name: 'ready, known data folder', summary: of('again') },
          { name: 'ready, new data folder', summary: of('fresh') },
        ],
      },
      {
        name: 'Ratio of paired runs',
        unit: '× node -e 0',
        bars: [
          { name: 'known data folder', summary: ratios },
          { name: 'new data folder', summary: freshRatios },
        ],
      },
    ],
    setup: { starts: runs.length, idleSeconds: IDLE_MS / 1_000, veryFirstStartMs: Math.round(first) },
    notes: [
      'Ready means that `GET /readyz` has responded with 200, counted from starting what npm has linked as `posthorn`. ' +
        'Node starts twice for it: the second time with bounds on its memory.',
      'The very first start after an installation compiles everything, and keeps what it has compiled for later starts.',
      'Resident memory counts what the process shares with others, of which some 50 MB are Node itself.',
    ],
  }
}
