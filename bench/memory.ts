/** Reads how much memory a process uses from the operating system. Linux only: undefined elsewhere. */
import { readFileSync } from 'node:fs'

/** Resident memory, now and at its peak, in units of 2^20 bytes. */
export type Memory = { readonly residentMegabytes: number; readonly peakMegabytes: number }

/** Returns the peak as a member of a result; nothing if it is unknown. */
export const peakOf = (memory: Memory | undefined) =>
  memory === undefined ? {} : { peakMegabytes: memory.peakMegabytes }

export function memoryOf(pid: number): Memory | undefined {
  if (process.platform !== 'linux') return undefined
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)![1]) / 1_024
  return { residentMegabytes: megabytes('VmRSS'), peakMegabytes: megabytes('VmHWM') }
}
