import { plain } from '@posthorn/cli/widths'
import type { Finding } from '../../base/findings.ts'

const LEVEL_WIDTH = 6
const PART_WIDTH = 16

/** A line for the finding, and one with an arrow for what to do. */
export function writeFinding({ level, part, says, advice }: Finding): string {
  const line = `${level.padEnd(LEVEL_WIDTH)}${part.padEnd(PART_WIDTH)}${plain(says)}\n`
  return advice === null ? line : `${line}${' '.repeat(LEVEL_WIDTH + PART_WIDTH)}→ ${plain(advice)}\n`
}

/**
 * The commands that mend the findings, each once, as lines for a shell; what no command mends stands among them as a
 * comment. Empty if nothing needs doing.
 */
export function writeCommands(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ part, advice, command }) => {
    if (advice === null) return []
    return [command === undefined ? `# ${part}: ${plain(advice)}` : `${command}  # ${part}`]
  })
  if (lines.length === 0) return ''
  return `\nTo mend what was found:\n\n${[...new Set(lines)].map(line => `  ${line}\n`).join('')}`
}
