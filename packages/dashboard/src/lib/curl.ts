/** A text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

type Request = {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly string[])[]
  readonly body: string | null
}

/**
 * A request as a `curl` command. Headers whose value was hidden (`[secret]`, `[signature]`) keep that text, so that no
 * secret is in it; `host` and `content-length` are left to curl.
 */
export function curlOf({ method, url, headers, body }: Request): string {
  const parts = [`curl -X ${method} ${shellWord(url)}`]
  for (const [name = '', value = ''] of headers) {
    if (/^(host|content-length|connection)$/i.test(name)) continue
    parts.push(`-H ${shellWord(`${name}: ${value}`)}`)
  }
  if (body !== null) parts.push(`--data-raw ${shellWord(body)}`)
  return parts.join(' \\\n  ')
}

/** What publishes an event to a tenant, `/v1/tenants/…`. Undefined if either is. */
export function publishCurl(
  tenantPath: string | undefined,
  type: { readonly name: string; readonly payload: unknown } | undefined,
): string | undefined {
  if (tenantPath === undefined || type === undefined) return undefined
  return apiCurl('POST', `${tenantPath}/events`, { type: type.name, payload: type.payload })
}

/** A call of Posthorn's own API, for pages that teach it. The key is a variable of the reader's shell. */
export function apiCurl(method: string, path: string, body?: unknown): string {
  const url = new URL(path.replace(/^\//, ''), document.baseURI).href
  const parts = [`curl${method === 'GET' ? '' : ` -X ${method}`} ${shellWord(url)}`, '-H "Authorization: Bearer $KEY"']
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${shellWord(JSON.stringify(body))}`)
  return parts.join(' \\\n  ')
}
