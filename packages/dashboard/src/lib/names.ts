/** What turns the text after it around (UAX #9: embeddings, overrides, isolates). Marks and joiners, which names need, don't. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g

/** A name as it is shown: `exe.txt` can't look like `txt.exe`. Its direction is that of its letters, by `<bdi>`. */
export function shownName(name: string): string {
  return name.replace(TURNING, character => `\\u${character.charCodeAt(0).toString(16)}`)
}
