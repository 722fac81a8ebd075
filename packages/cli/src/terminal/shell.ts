/** Commands as they are shown, to be copied into a shell. */

/** A word of a command as a POSIX shell reads it, in quotes if there is anything special in it. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  // Shells that know `$'…'` take escapes in it: what a terminal might act on isn't shown as it is.
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) return `$'${text.replace(/[\\'\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)}'`
  return `'${text.replaceAll("'", "'\\''")}'`
}

const escaped = (character: string): string => {
  if (character === '\\' || character === "'") return `\\${character}`
  return [...new TextEncoder().encode(character)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

/** A command with its arguments. */
export const shellCommand = (words: readonly string[]): string => words.map(shellWord).join(' ')

/**
 * A command of Posthorn's own, as it can be run where this one was: npm starts programs that no shell would find.
 *
 * @param env the environment of this process
 */
export function ownCommand(words: readonly string[], env: Readonly<Record<string, string | undefined>>): string {
  return `${env.npm_lifecycle_event ? 'npx ' : ''}${shellCommand(['posthorn', ...words])}`
}
