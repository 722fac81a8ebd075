import type { Plugin } from 'vite'

/**
 * For `npm run dev:dashboard`: what is under `/session/v1` is asked of the server under `/v1` with the key in
 * `POSTHORN_API_KEY`, as if one had signed in with it. Without a key, calls go to the server's own sessions.
 */
export function devSession(server: string): Plugin {
  const key = process.env.POSTHORN_API_KEY
  return {
    name: 'dev-session',
    configureServer({ middlewares }) {
      middlewares.use('/session', async (request, response, next) => {
        if (!request.url?.startsWith('/v1')) return next()
        if (key !== undefined && /^\/v1\/session(-state)?$/.test(request.url)) {
          response.setHeader('content-type', 'application/json')
          if (request.method === 'DELETE') return void response.writeHead(204).end()
          if (request.url === '/v1/session') return void response.end(JSON.stringify(rootSession))
          return void response.end(JSON.stringify({ session: rootSession, hasEnded: false }))
        }
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        const headers = new Headers(request.headers as Record<string, string>)
        for (const name of ['host', 'connection', 'content-length']) headers.delete(name)
        if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
        const path = key === undefined ? `/session${request.url}` : request.url
        const closed = new AbortController()
        response.on('close', () => closed.abort())
        try {
          const answer = await fetch(`${server}${path}`, {
            method: request.method ?? 'GET',
            headers,
            body: chunks.length === 0 ? null : Buffer.concat(chunks),
            signal: closed.signal,
            redirect: 'manual',
          })
          const kept = [...answer.headers].filter(([name]) => !/^(content-encoding|transfer-encoding)$/.test(name))
          response.writeHead(answer.status, Object.fromEntries(kept))
          for await (const piece of answer.body ?? []) response.write(piece)
          response.end()
        } catch {
          if (!response.headersSent) response.writeHead(502)
          response.end()
        }
      })
    },
  }
}

const rootSession = {
  id: 'dev',
  apiKey: { id: null, name: 'root key (development)', scope: 'all', tenant: null, payloads: true },
  createdAt: new Date().toISOString(),
  expiresAt: null,
}
