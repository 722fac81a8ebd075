const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const ID = new RegExp(`^[a-z]+_([${DIGITS}]{26})$`)

/** When an id of Posthorn's was made, in milliseconds: its first ten characters. Null for any other text. */
export function idTime(id: string): number | null {
  const digits = ID.exec(id)?.[1]
  if (digits === undefined) return null
  let ms = 0
  for (const digit of digits.slice(0, 10)) ms = ms * 32 + DIGITS.indexOf(digit)
  return ms
}
