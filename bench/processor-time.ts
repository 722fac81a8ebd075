/** Processor time of a whole process, user and system, all of its threads, by the operating system's account. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second for user space on every architecture that Node runs on. */
const TICKS_A_SECOND = 100

/** Microseconds so far. Ten milliseconds is the finest step there is: measure over seconds. */
export function processorMicros(pid: number): number {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

/**
 * Of a process, its children that live, and those that have ended: of a PostgreSQL, whose processes are children of the
 * one that was started. Linux only.
 */
export function familyMicros(pid: number): number {
  const children = readdirSync('/proc').filter(name => /^\d+$/.test(name) && parentOf(name) === pid)
  return children.reduce((sum, child) => sum + fromProc(Number(child)), fromProc(pid, true))
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(fieldsOf(pid)[1])
  } catch {
    return undefined // it has just ended
  }
}

/** Of what the operating system tells of a process, from its state on. */
function fieldsOf(pid: number | string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command's name in brackets, and may itself hold blanks and brackets.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function fromProc(pid: number, withEndedChildren = false): number {
  const ticks = fieldsOf(pid).slice(11, withEndedChildren ? 15 : 13)
  return (ticks.reduce((sum, each) => sum + Number(each), 0) * 1_000_000) / TICKS_A_SECOND
}

/** `[[dd-]hh:]mm:ss[.cc]`; macOS gives hundredths. */
function fromPs(pid: number): number {
  const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  const [clock, days] = text.split('-').toReversed()
  const seconds = clock!.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
  return (Number(days ?? 0) * 86_400 + seconds) * 1_000_000
}
