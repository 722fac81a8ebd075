/** What a process has in memory, as the operating system counts it. Linux only: elsewhere, nothing is told. */
import { readFileSync } from 'node:fs'

/** In 2^20 bytes: resident now, and the most that ever was. */
export type Memory = { readonly residentMegabytes: number; readonly peakMegabytes: number }

/** As a result tells it. */
export const peakOf = (memory: Memory | undefined) =>
  memory === undefined ? {} : { peakMegabytes: memory.peakMegabytes }

export function memoryOf(pid: number): Memory | undefined {
  if (process.platform !== 'linux') return undefined
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)![1]) / 1_024
  return { residentMegabytes: megabytes('VmRSS'), peakMegabytes: megabytes('VmHWM') }
}
