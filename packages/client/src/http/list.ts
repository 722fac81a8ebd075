import type { Connection } from './connection.ts'
import type { CallOptions } from './options.ts'
import type { Path } from './path.ts'
import { readPage } from './responses.ts'

/** A page of a list. Its cursors lead to the pages next to it; null at the end of the list. */
export type Page<Item> = {
  data: Item[]
  /** Cursor of the next page. Null if this is the last page. */
  nextCursor: string | null
  /** Cursor of the previous page. Null if this is the first page. */
  prevCursor: string | null
}

/** `next`: in the order of the list. `prev`: against it. */
export type Direction = 'next' | 'prev'

/**
 * A list of the API. Await it for one page, or iterate over it for all items from that page on, which are requested page
 * by page as they are needed:
 *
 * ```ts
 * const page = await posthorn.deliveries.list('acme', { limit: 20 })
 * for await (const delivery of posthorn.deliveries.list('acme')) console.log(delivery.id)
 * ```
 *
 * Nothing is requested before that.
 */
export class List<Item, PageOf extends Page<Item> = Page<Item>> implements Promise<PageOf>, AsyncIterable<Item> {
  readonly #read: (cursor: string | null) => Promise<PageOf>
  #first: Promise<PageOf> | undefined

  /** @param read reads the page at a cursor; null for the page that the call asks for */
  constructor(read: (cursor: string | null) => Promise<PageOf>) {
    this.#read = read
  }

  get [Symbol.toStringTag](): string {
    return 'List'
  }

  /** The pages, beginning with the one that the call asks for. A page can be empty and yet be followed by others. */
  async *pages(direction: Direction = 'next'): AsyncGenerator<PageOf, void> {
    let cursor: string | null | undefined = null
    do {
      const page: PageOf = await this.#read(cursor)
      yield page
      cursor = direction === 'next' ? page.nextCursor : page.prevCursor
      // A server of another version can leave it out.
    } while (typeof cursor === 'string')
  }

  /** The items of all these pages. With `prev`, those of the first page come first, the last of them before the others. */
  async *items(direction: Direction = 'next'): AsyncGenerator<Item, void> {
    for await (const { data } of this.pages(direction)) yield* direction === 'next' ? data : data.toReversed()
  }

  [Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    return this.items()
  }

  // biome-ignore lint/suspicious/noThenProperty: a list is awaited for one page
  then<Page = PageOf, Failure = never>(
    onPage?: ((page: PageOf) => Page | PromiseLike<Page>) | null,
    onFailure?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Page | Failure> {
    this.#first ??= this.#read(null)
    return this.#first.then(onPage, onFailure)
  }

  catch<Failure = never>(
    onFailure?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<PageOf | Failure> {
    return this.then(null, onFailure)
  }

  finally(onEnd?: (() => void) | null): Promise<PageOf> {
    return this.then().finally(onEnd)
  }
}

export function list<Item, PageOf extends Page<Item>>(
  connection: Connection,
  path: Path,
  query: object | undefined,
  options: CallOptions | undefined,
): List<Item, PageOf> {
  return new List(cursor =>
    connection.call(
      { method: 'GET', path, query: cursor === null ? query : { ...query, cursor } },
      options,
      readPage<PageOf>,
    ),
  )
}
