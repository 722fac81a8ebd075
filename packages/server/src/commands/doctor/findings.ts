import type { Finding } from '../../base/findings.ts'

const LEVEL_WIDTH = 6
const PART_WIDTH = 16

/** A line for the finding, and one with an arrow for what to do. */
export function writeFinding({ level, part, says, advice }: Finding): string {
  const line = `${level.padEnd(LEVEL_WIDTH)}${part.padEnd(PART_WIDTH)}${says}\n`
  return advice === null ? line : `${line}${' '.repeat(LEVEL_WIDTH + PART_WIDTH)}→ ${advice}\n`
}
