// Runs before the first paint: sets the theme that was chosen here, or the system's, and asks who is looking, which the
// pages need before anything else, while they are still loading (`src/app/client.ts` takes the response).
;(() => {
  let chosen = null
  try {
    chosen = localStorage.getItem('posthorn.theme')
  } catch {
    // Storage is blocked: the system's theme it is.
  }
  // A link to the portal can say which.
  chosen = /[#&]theme=(light|dark|system)\b/.exec(location.hash)?.[1] ?? chosen
  const isDark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
  // A portal's session is known without asking in a frame, and with a link (`src/app/portal-session.ts`).
  const isPortal = document.querySelector('base')?.dataset.pages === 'portal'
  if (isPortal && (window.parent !== window || location.hash.includes('token='))) return
  const path = isPortal ? 'v1/portal-session-state' : 'session/v1/session-state'
  const { href } = new URL(path, document.baseURI)
  const answer = fetch(href, { headers: { 'Posthorn-Session': '1' } }).then(async response => ({
    ok: response.ok,
    status: response.status,
    text: await response.text(),
  }))
  // The pages see the failure when they take it.
  answer.catch(() => undefined)
  window.posthornEarly = { href, answer }
})()
