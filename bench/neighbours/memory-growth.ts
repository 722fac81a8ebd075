/** Whether a process's resident memory stays flat while a tenant overloads it. Linux only: undefined elsewhere. */
import { memoryOf } from '../memory.ts'

/** Largest resident memory after the warm-up, divided by the largest during it. */
export const MAX_GROWTH = 1.1
export const GROWTH_NOTE = `Memory growth is the largest resident memory in the last two thirds of the attack, divided by the largest in the first third.`

export type MemoryGrowth = {
  /** Largest resident memory in the first third and in the rest, in units of 2^20 bytes. */
  readonly warmUp: number
  readonly rest: number
  readonly growth: number
  /** At the end. */
  readonly last: number
}

const LOOK_MS = 250
/** The fraction of the attack that counts as warm-up. */
const WARM_UP = 1 / 3

/** Looks at the process regularly until `end` is called. */
export function watchMemory(pid: number): { end(): MemoryGrowth | undefined } {
  const seen: number[] = []
  const look = () => {
    const memory = memoryOf(pid)
    if (memory !== undefined) seen.push(memory.residentMegabytes)
  }
  const timer = setInterval(look, LOOK_MS)
  return {
    end() {
      clearInterval(timer)
      look()
      return growthOf(seen)
    },
  }
}

function growthOf(seen: readonly number[]): MemoryGrowth | undefined {
  const first = Math.ceil(seen.length * WARM_UP)
  if (first === seen.length) return undefined
  const [warmUp, rest] = [Math.max(...seen.slice(0, first)), Math.max(...seen.slice(first))]
  return { warmUp, rest, growth: rest / warmUp, last: seen.at(-1)! }
}

export function formatMemory({ warmUp, rest, last }: MemoryGrowth): string {
  const [first, then, end] = [warmUp, rest, last].map(megabytes => Math.round(megabytes))
  return `resident memory up to ${first} MB, then up to ${then} MB, ${end} MB at the end`
}
