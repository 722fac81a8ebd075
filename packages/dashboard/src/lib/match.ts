/**
 * How well a text fits what was typed: words in any order, each the start of a word, a part of one, or (`ap k`) initials.
 * 0 if a typed word is nowhere; the more, the better.
 */
export function matchScore(typed: string, name: string, synonyms = ''): number {
  const wanted = fold(typed).split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return 1
  const whole = fold(name)
  if (whole === wanted.join(' ')) return 1_000
  const others = fold(synonyms)
  let score = whole.startsWith(wanted.join(' ')) ? 100 : 0
  for (const word of wanted) {
    const best = Math.max(scoreIn(word, whole), scoreIn(word, others) / 3)
    if (best === 0) return 0
    score += best
  }
  // Of two that fit as well, the shorter one is more of a match.
  return score - Math.min(0.9, whole.length / 200)
}

function scoreIn(word: string, text: string): number {
  if (text === '') return 0
  const starts = words(text)
  if (starts.includes(word)) return 40
  if (starts.some(one => one.startsWith(word))) return 30
  if (text.includes(word)) return 15
  return word.length > 1 &&
    starts
      .map(one => one[0])
      .join('')
      .startsWith(word)
    ? 20
    : 0
}

/** The words of a name, also of `COVER_REFERENCE`, `posthorn.node.lost` and `hooks.example.com`. */
function words(text: string): string[] {
  return text.split(/[^\p{L}\p{N}]+/u).filter(Boolean)
}

function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}

/** An id of Posthorn, found in what was pasted: a whole header or a line of a log. Null if there is none. */
export function idIn(text: string): string | null {
  return /(?<![a-z0-9_])[a-z]{2,5}_[0-9a-z]{26}(?![0-9a-z])/.exec(text)?.[0] ?? null
}
