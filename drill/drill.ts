/** `npm run drill`: fails over a real PostgreSQL repeatedly under load, and counts what was lost. */
import { createAuthority } from '@posthorn/testkit'
import { makeKeys, type Posthorn, startPosthorn } from '../bench/posthorn.ts'
import { Database } from './database.ts'
import { Load } from './load.ts'
import { type DrillOptions, parseOptions, USAGE } from './options.ts'
import { findPrograms, foldersToSearch, type Programs } from './programs.ts'

const NODES = 3
/** Time between two failovers, with load. */
const CALM_MS = 5_000
const ARRIVE_TIMEOUT_MS = 180_000

const KINDS = [
  { name: "the primary's machine is lost", fail: (database: Database) => database.loseMachine() },
  { name: 'planned switchover', fail: (database: Database) => database.switchOver() },
  { name: "the primary's PostgreSQL is killed", fail: (database: Database) => database.killServer() },
] as const

const say = (line: string) => void process.stdout.write(`${line}\n`)
const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

const options = parseOptions(process.argv.slice(2))
const programs = findPrograms(foldersToSearch(process.env.PATH ?? ''))
if (typeof options === 'string') fail(options, 2)
else if (options.help) say(USAGE)
else if (typeof programs === 'string') fail(programs, 1)
else await run(options, programs)

async function run(options: DrillOptions, programs: Programs): Promise<void> {
  const database = new Database(programs)
  const nodes: Posthorn[] = []
  // On Ctrl-C the child processes end with this one, because their tethers close.
  process.once('SIGINT', () => process.exit(130))
  try {
    say(`starting etcd, two PostgreSQL servers under Patroni, and PgBouncer in ${options.poolMode} mode`)
    await database.start(options.poolMode)
    const authority = await createAuthority()
    const shared = { ...makeKeys(), databaseUrl: database.url }
    while (nodes.length < NODES) nodes.push(await startPosthorn({ caPem: authority.caPem, shared }))
    const load = await Load.prepare(nodes, authority)
    try {
      say(JSON.stringify(await drill(options, database, load)))
    } finally {
      await load.close()
    }
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), 1)
  } finally {
    await Promise.all(nodes.map(node => node.end()))
    await database.end()
  }
}

async function drill({ failovers }: DrillOptions, database: Database, load: Load) {
  load.start()
  let longestStallMs = 0
  for (let at = 0; at < failovers; at++) {
    await pause(CALM_MS)
    const kind = KINDS[at % KINDS.length]!
    load.takeStallMs()
    await kind.fail(database)
    // Wait until the cluster has recovered before the next failover: two servers survive the loss of only one.
    await database.untilWhole()
    const stallMs = load.takeStallMs()
    longestStallMs = Math.max(longestStallMs, stallMs)
    say(`${at + 1}. ${kind.name}: ${load.accepted} accepted so far, stalled for ${Math.round(stallMs)} ms`)
  }
  await pause(CALM_MS)
  longestStallMs = Math.max(longestStallMs, load.takeStallMs())
  await load.stop()
  const sum = await load.conclude(ARRIVE_TIMEOUT_MS, longestStallMs)
  if (sum.lost > 0) process.exitCode = 1
  return { failovers, ...sum }
}

function fail(message: string, code: number): void {
  process.stderr.write(`${message}\n`)
  process.exitCode = code
}
