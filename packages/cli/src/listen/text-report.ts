/** What happens while listening, in lines for people. */
import { cut, type Paint, pad, padStart, plain, type Tone, widthOf, wrap } from '../terminal/index.ts'
import type { Happening, Heard } from './happenings.ts'
import { isSuccess } from './reply.ts'
import { HOP_BY_HOP } from './request-headers.ts'
import type { Screen } from './screen.ts'
import { countOf, describeDisabled, describeTakeover, describeTypes, KEYS } from './words.ts'

const MAX_BODY_LINES = 25
const MAX_BODY_CHARACTERS = 2_000
const MAX_HEADERS = 20
const MAX_PRINTED_CHARACTERS = 64 * 1_024
const TYPE_WIDTH = 26
/** A type isn't cut to less than this for what can be left out. */
const LEAST_TYPE_WIDTH = 12
const INDENT = '     '

export type TextReportOptions = {
  readonly screen: Screen
  readonly paint: Paint
  /** Formats a time of day, of milliseconds since 1970. */
  readonly timeOfDay: (atMs: number) => string
  /** Where requests are forwarded to. Null if they are only shown. */
  readonly target: URL | null
  /** Whether each request is shown with its headers and body. */
  readonly prints: boolean
  readonly hasKeys: boolean
}

export class TextReport {
  readonly #options: TextReportOptions
  #isDown = false
  #isBroken = false
  #unreachable = 0

  constructor(options: TextReportOptions) {
    this.#options = options
  }

  /** Resolves when there is room for more. */
  show(happening: Happening): Promise<void> {
    const lines = this.#linesOf(happening)
    return lines.length === 0 ? Promise.resolve() : this.#options.screen.lines(lines)
  }

  say(text: string, tone?: Tone): Promise<void> {
    return this.#options.screen.lines(this.#sentence(text, tone))
  }

  help(): Promise<void> {
    const { screen, paint } = this.#options
    return screen.lines(KEYS.map(([key, does]) => `  ${paint('strong', pad(key, 8))}  ${does}`))
  }

  #linesOf(happening: Happening): readonly string[] {
    switch (happening.kind) {
      case 'listening':
        return this.#linesOfStart(happening)
      case 'connection':
        return this.#linesOfConnection(happening.isOpen, happening.error)
      case 'request':
        return this.#linesOfRequest(happening.heard)
      case 'late':
        return this.#sentence(`#${happening.heard.number}: ${LATE}`, 'doubtful')
      case 'repeated': {
        const { type, event } = happening.request
        const text = `${type} ${event} came again. The receiver has it (${happening.status}), so it was not forwarded again.`
        return this.#sentence(text, 'quiet')
      }
      case 'receiver':
        return happening.isUp ? this.#linesOfUp(happening.failed) : this.#linesOfDown(happening.why)
      case 'state':
        return this.#linesOfState(happening)
      case 'renewed':
        return this.#sentence(RENEWED, 'doubtful')
      case 'ending':
        return this.#sentence(
          `Waiting for ${countOf(happening.inFlight, 'request')} in flight. Ctrl-C again doesn't wait.`,
        )
    }
  }

  /** A sentence, broken at spaces where a terminal would break it anywhere. */
  #sentence(text: string, tone?: Tone): string[] {
    const { screen, paint } = this.#options
    const lines = wrap(plain(text), screen.width)
    return tone === undefined ? lines : lines.map(line => paint(tone, line))
  }

  #linesOfStart({ endpoint, secrets, isResumed, isTakenOver }: Extract<Happening, { kind: 'listening' }>): string[] {
    const { paint, target, hasKeys } = this.#options
    const { tenant, id, uid, types } = endpoint
    const how = isResumed ? 'Resuming' : 'Listening'
    const lines = [
      ...this.#sentence(`${how} as ${uid ?? id}: ${describeTypes(types)} of ${tenant}`, 'strong'),
      target === null ? 'Showing each event, and responding 200.' : `Forwarding to ${paint('strong', target.href)}`,
      '',
      `${paint('quiet', 'CLIENT_SECRET=')}${secrets.clientSecret}`,
      `${paint('quiet', 'SIGNING_SECRET=')}${secrets.signingSecret}`,
      '',
      ...this.#sentence('Verify requests with these two. They stay the same on this machine.'),
      ...(isTakenOver ? this.#sentence(describeTakeover(uid ?? id), 'doubtful') : []),
    ]
    return hasKeys ? [...lines, ...this.#sentence('Keys: t test event, r replay the last, h help, q quit.')] : lines
  }

  #linesOfConnection(isOpen: boolean, error: Error | undefined): string[] {
    if (isOpen) {
      const wasBroken = this.#isBroken
      this.#isBroken = false
      return wasBroken ? this.#sentence('Connected again.', 'good') : []
    }
    // A server that ends a stream in an orderly way is asked again within a second: not worth a line.
    if (this.#isBroken || error === undefined) return []
    this.#isBroken = true
    return this.#sentence('The connection to the server broke off. Trying again; nothing is lost.', 'doubtful')
  }

  #linesOfDown(why: string): string[] {
    this.#isDown = true
    this.#unreachable = 0
    return this.#sentence(`${why} Trying again; what fails until then is sent again.`, 'bad')
  }

  #linesOfUp(failed: number): string[] {
    this.#isDown = false
    this.#options.screen.setBottom('')
    return this.#sentence(`The receiver can be reached again. Sending ${countOf(failed, 'request')} again.`, 'good')
  }

  #linesOfState({ state, reason }: Extract<Happening, { kind: 'state' }>): string[] {
    if (state === 'enabled') return this.#sentence('The listener is enabled.', 'good')
    return this.#sentence(describeDisabled(reason, this.#options.hasKeys), 'bad')
  }

  #linesOfRequest(heard: Heard): string[] {
    const { screen, prints, target } = this.#options
    const { reply } = heard
    if (reply.kind === 'unreachable' && this.#isDown) {
      this.#unreachable++
      screen.setBottom(`${countOf(this.#unreachable, 'request')} failed: the receiver can't be reached.`)
      return []
    }
    const lines = [this.#headline(heard)]
    if (prints || target === null) lines.push(...this.#linesOfContent(heard.request, MAX_PRINTED_CHARACTERS))
    if (!isSuccess(reply)) lines.push(...this.#linesOfContent(reply, MAX_BODY_CHARACTERS, MAX_BODY_LINES))
    return lines
  }

  #headline({ number, request, reply, atMs }: Heard): string {
    const { screen, paint, timeOfDay, target } = this.#options
    const front = `${padStart(`#${number}`, 4)} ${timeOfDay(atMs)} `
    const status = target === null ? '' : `${reply.status} `
    const marks = `${request.attempt > 1 ? ` attempt ${request.attempt}` : ''}${request.test ? ' test' : ''}`
    const took = target === null ? '' : ` ${padStart(String(reply.durationMs), 5)} ms `
    const room = screen.width - widthOf(front) - widthOf(status)
    const type = plain(request.type)
    const whole = `${pad(type, TYPE_WIDTH)}${took} ${request.event}${marks}`
    const short = ` ${reply.durationMs} ms${marks}`
    // What matters most is the type, then what is special about the request, then how long it took.
    const back = target !== null && room - widthOf(short) >= LEAST_TYPE_WIDTH ? short : marks
    const text = widthOf(whole) <= room ? whole : cut(type, Math.max(1, room - widthOf(back))) + back
    return `${paint('quiet', front)}${paint(isSuccess(reply) ? 'good' : 'bad', status)}${text}`
  }

  #linesOfContent(
    { headers, body }: { readonly headers: Heard['reply']['headers']; readonly body: string },
    maxCharacters: number,
    maxLines = Number.POSITIVE_INFINITY,
  ): string[] {
    const { paint } = this.#options
    const own = headers.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()))
    const shown = own.slice(0, MAX_HEADERS)
    const lines = shown.map(([name, value]) => `${INDENT}${paint('quiet', `${plain(name)}:`)} ${plain(value)}`)
    if (own.length > shown.length) lines.push(`${INDENT}… ${countOf(own.length - shown.length, 'more header')}`)
    const kept = body.slice(0, maxCharacters).trimEnd()
    if (kept === '') return lines
    if (lines.length > 0) lines.push('')
    const all = kept.split(/\r\n|\r|\n/)
    const some = all.slice(0, maxLines)
    lines.push(...some.map(line => INDENT + plain(line)))
    if (some.length < all.length || body.length > maxCharacters) lines.push(`${INDENT}… (cut)`)
    return lines
  }
}

const LATE = 'answered too late, so it is sent again. What the receiver has accepted is not forwarded twice.'
const RENEWED =
  'The listener was deleted while no one listened, and has been registered again. The events published in between are ' +
  'not sent to it: `posthorn replay` sends them.'
