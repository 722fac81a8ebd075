/** A receiver's host and path, which people know better than an id. What isn't a URL stays as it is. */
export function shortUrl(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return pathname === '/' ? host : host + pathname
  } catch {
    return url
  }
}
