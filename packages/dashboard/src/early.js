// Runs before the first paint: sets the theme that was chosen here, or the system's, and asks who is looking, which the
// pages need before anything else, while they are still loading (`src/app/client.ts` takes the response).
;(() => {
  let chosen = null
  try {
    chosen = localStorage.getItem('posthorn.theme')
  } catch {
    // Storage is blocked: the system's theme it is.
  }
  const isDark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
  const { href } = new URL('session/v1/session-state', document.baseURI)
  const answer = fetch(href, { headers: { 'Posthorn-Session': '1' } }).then(async response => ({
    ok: response.ok,
    status: response.status,
    text: await response.text(),
  }))
  // The pages see the failure when they take it.
  answer.catch(() => undefined)
  window.posthornEarly = { href, answer }
})()
