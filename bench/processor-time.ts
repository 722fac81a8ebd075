/** Processor time of a whole process, user and system, all of its threads, by the operating system's account. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second for user space on every architecture that Node runs on. */
const TICKS_A_SECOND = 100

/** Microseconds so far. Ten milliseconds is the finest step there is: measure over seconds. */
export function processorMicros(pid: number): number {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

function fromProc(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command's name in brackets, and may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])]
  return ((userTicks + systemTicks) * 1_000_000) / TICKS_A_SECOND
}

/** `[[dd-]hh:]mm:ss[.cc]`; macOS gives hundredths. */
function fromPs(pid: number): number {
  const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  const [clock, days] = text.split('-').toReversed()
  const seconds = clock!.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
  return (Number(days ?? 0) * 86_400 + seconds) * 1_000_000
}
