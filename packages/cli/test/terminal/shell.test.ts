import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ownCommand, shellCommand } from '../../src/terminal/shell.ts'

it('a shell reads the words of a command as they were, and a terminal none that it would act on', () => {
  const word = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 4 }),
        fc.constantFrom("'", '\\', '$x', '`', '\u001b', '\n', '\u202e'),
      ),
    )
    .map(parts => parts.join('').replaceAll('\0', ''))
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), words => {
      const line = shellCommand(words)
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      const script = `printf '%s\\0' ${line}`
      expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' })).toBe(words.map(each => `${each}\0`).join(''))
    }),
    { numRuns: 40 },
  )
})

it('a command is found where npm started this one', () => {
  expect(ownCommand(['backup', 'a b.db'], {})).toBe("posthorn backup 'a b.db'")
  expect(ownCommand(['doctor'], { npm_lifecycle_event: 'npx' })).toBe('npx posthorn doctor')
})
