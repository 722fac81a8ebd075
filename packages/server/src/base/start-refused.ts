/** A command can't start its work. The message tells the operator, in a sentence, what is wrong and what to do. */
export class StartRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartRefused'
  }
}
