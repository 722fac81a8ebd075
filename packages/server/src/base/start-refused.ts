/** Serve can't start as things are. The message is one sentence for the operator: what is wrong and what to do. */
export class StartRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartRefused'
  }
}
