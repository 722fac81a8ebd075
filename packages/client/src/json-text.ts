/** A body that is JSON already: it is sent as it is. Another copy of the client serialises its value again. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}
