type Said = { readonly title: string; readonly text: (address: string, about: string) => string }

/** What the pages behind the links in messages say, in one language. */
export type Phrases = {
  /** After `about`: all webhooks, or those of the tenant. */
  readonly installation: string
  readonly own: string
  readonly confirm: Said
  readonly unsubscribe: Said
  readonly confirmed: Said
  readonly unsubscribed: Said
  readonly buttons: { readonly confirm: string; readonly unsubscribe: string }
}
