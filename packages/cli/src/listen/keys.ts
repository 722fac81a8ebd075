/** What a key asks for. `choose` has the number that was typed before Enter. */
export type Wish =
  | { readonly kind: 'replay_last' | 'replay_failed' | 'test' | 'enable' | 'clear' | 'help' | 'quit' | 'suspend' }
  | { readonly kind: 'choose'; readonly number: number }
  | { readonly kind: 'typed'; readonly digits: string }

const WISHES: Readonly<Record<string, Exclude<Wish['kind'], 'choose' | 'typed'>>> = {
  r: 'replay_last',
  f: 'replay_failed',
  t: 'test',
  e: 'enable',
  c: 'clear',
  '\u000c': 'clear',
  h: 'help',
  '?': 'help',
  q: 'quit',
  '\u0003': 'quit',
  '\u0004': 'quit',
  '\u001a': 'suspend',
}
const MAX_DIGITS = 9
/** What a terminal sends for keys such as arrows: an escape, and characters that would be taken for other keys. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal sends
const SEQUENCES = /\u001b(?:\[[0-9;]*[ -/]*[@-~]|O.|.)/g

/** Makes wishes of what is typed. */
export class Keys {
  #digits = ''

  /** @param text as a terminal in raw mode sends it */
  take(text: string): Wish[] {
    return [...text.replace(SEQUENCES, '')].flatMap(key => this.#wishOf(key) ?? [])
  }

  #wishOf(key: string): Wish | undefined {
    if (/^\d$/.test(key)) return this.#type(this.#digits.length < MAX_DIGITS ? this.#digits + key : this.#digits)
    const digits = this.#digits
    if (digits !== '' && (key === '\u007f' || key === '\b')) return this.#type(digits.slice(0, -1))
    if (digits !== '' && (key === '\r' || key === '\n')) {
      this.#digits = ''
      return { kind: 'choose', number: Number(digits) }
    }
    const kind = WISHES[key.toLowerCase()]
    // Any other key gives up the number.
    if (digits !== '' && kind === undefined) return this.#type('')
    this.#digits = ''
    return kind === undefined ? undefined : { kind }
  }

  #type(digits: string): Wish {
    this.#digits = digits
    return { kind: 'typed', digits }
  }
}
