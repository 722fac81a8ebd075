/**
 * Ends with the drill, a little after it: `node reaper.ts <data folder>…`. Patroni stops its PostgreSQL when it is told
 * to end, but one whose Patroni was killed would stay. The folder that names the processes is removed after this one.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const GRACE_MS = 7_000
const LOOK_MS = 200

const folders = process.argv.slice(2)
let endMs = 0

/** Undefined: none is running there, or it is just ending. */
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
  // SIGQUIT: PostgreSQL ends at once, with all that belongs to it.
  if (performance.now() > endMs) for (const pid of pids) process.kill(pid, 'SIGQUIT')
}

process.on('SIGTERM', () => {
  endMs = performance.now() + GRACE_MS
  setInterval(reap, LOOK_MS)
})
// Waits for that signal.
setInterval(() => {}, 3_600_000)
