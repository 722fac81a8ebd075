/** Whether a text is a pattern of event types rather than a name. */
export function isPattern(text: string): boolean {
  return text.includes('*')
}

/** Whether a name fits a pattern, in which `*` stands for any characters, including none. */
export function fits(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return name === pattern
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= name.length - last.length
}
