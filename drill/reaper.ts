/**
 * Stops PostgreSQL servers that outlive the drill: `node reaper.ts <data folder>…`. Patroni stops its PostgreSQL when
 * it ends, but a server whose Patroni was killed would keep running. The reaper ends shortly after the drill; the
 * folder with the servers' pid files is removed after that.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const GRACE_MS = 7_000
const LOOK_MS = 200

const folders = process.argv.slice(2)
let endMs = 0

/** Returns the pid of the server in a data folder, or undefined if none runs there or it is just ending. */
function pidIn(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n', 1)[0])
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}

function reap(): void {
  const pids = folders.map(pidIn).filter(pid => pid !== undefined)
  if (pids.length === 0) process.exit()
  // SIGQUIT: PostgreSQL ends immediately, with all its processes.
  if (performance.now() > endMs) for (const pid of pids) process.kill(pid, 'SIGQUIT')
}

process.on('SIGTERM', () => {
  endMs = performance.now() + GRACE_MS
  setInterval(reap, LOOK_MS)
})
// Keeps the process running until SIGTERM.
setInterval(() => {}, 3_600_000)
