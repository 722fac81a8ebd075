/** Reads the processor time (user and system, all threads) of a process from the operating system. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Linux reports hundredths of a second to user space on every architecture that Node runs on. */
const TICKS_A_SECOND = 100

/** Returns the microseconds used so far. The resolution is ten milliseconds, so measure over seconds. */
export function processorMicros(pid: number): number {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

/**
 * Returns the microseconds of a process and of its children, running and ended: PostgreSQL's backends are children of
 * the process that was started. Linux only.
 */
export function familyMicros(pid: number): number {
  const children = readdirSync('/proc').filter(name => /^\d+$/.test(name) && parentOf(name) === pid)
  return children.reduce((sum, child) => sum + fromProc(Number(child)), fromProc(pid, true))
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(fieldsOf(pid)[1])
  } catch {
    return undefined // the process has just ended
  }
}

/** Returns the fields of `/proc/<pid>/stat`, starting with the state. */
function fieldsOf(pid: number | string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command's name in brackets and can itself contain spaces and brackets.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function fromProc(pid: number, withEndedChildren = false): number {
  const ticks = fieldsOf(pid).slice(11, withEndedChildren ? 15 : 13)
  return (ticks.reduce((sum, each) => sum + Number(each), 0) * 1_000_000) / TICKS_A_SECOND
}

/** Parses `[[dd-]hh:]mm:ss[.cc]`; macOS adds hundredths. */
function fromPs(pid: number): number {
  const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  const [clock, days] = text.split('-').toReversed()
  const seconds = clock!.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
  return (Number(days ?? 0) * 86_400 + seconds) * 1_000_000
}
