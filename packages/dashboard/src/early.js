// Runs before the first paint: sets the theme that was chosen here, or else the portal's, or else the system's, and the
// colours and corners that the operator has chosen for the portal. Asks who is looking, which the pages need before
// anything else, while they are still loading (`src/app/client.ts` takes the response).
;(() => {
  const root = document.documentElement
  const base = document.querySelector('base')
  const looks = JSON.parse(base?.dataset.looks ?? '{}')
  let chosen = null
  try {
    chosen = localStorage.getItem('posthorn.theme')
  } catch {
    // Storage is blocked: no theme was chosen.
  }
  // A link to the portal can say which.
  const theme = /[#&]theme=(light|dark|system)\b/.exec(location.hash)?.[1] ?? chosen ?? looks.theme
  const isDark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  root.dataset.theme = isDark ? 'dark' : 'light'
  const { accent, accentDark, radius } = looks
  const own = radius === undefined ? {} : { '--radius': `${radius}px` }
  if (accent && accentDark) {
    // The server has checked that text in both can be read, and a test that it can be in what is made of them here.
    const [light, dark] = [accent.colour, accentDark.colour]
    own['--accent'] = `light-dark(${light}, ${dark})`
    own['--accent-hover'] = `light-dark(color-mix(in srgb, ${light}, #000 15%), color-mix(in srgb, ${dark}, #fff 25%))`
    own['--accent-soft'] = `light-dark(color-mix(in srgb, ${light} 6%, #fff), color-mix(in srgb, ${dark} 6%, #14171c))`
    own['--on-accent'] = `light-dark(${accent.text}, ${accentDark.text})`
  }
  for (const [name, value] of Object.entries(own)) root.style.setProperty(name, value)
  // A portal's session is known without asking in a frame, and with a link (`src/app/portal-session.ts`).
  const pages = base?.dataset.pages
  // The public pages have none.
  if (pages === 'types') return
  const isPortal = pages === 'portal'
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
