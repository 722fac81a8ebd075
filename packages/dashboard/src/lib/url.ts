import { common } from '../strings/en/common.ts'

/** A receiver's host and path, which people know better than an id. What isn't a URL stays as it is. Null: a listener. */
export function shortUrl(url: string | null): string {
  if (url === null) return common.listener
  try {
    const { host, pathname } = new URL(url)
    return pathname === '/' ? host : host + pathname
  } catch {
    return url
  }
}
