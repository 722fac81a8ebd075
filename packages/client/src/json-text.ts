/**
 * JSON that is text already: as a payload or a body, it is sent byte for byte, so that numbers keep their digits and
 * members their order. It isn't checked here; the server refuses what isn't JSON. Another copy of the client serialises
 * its value again.
 */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}
