// Runs before the first paint: sets the theme that was chosen here, or else the portal's, or else the system's, and the
// colours and corners that the operator has chosen for the portal.
;(() => {
  const root = document.documentElement
  const looks = JSON.parse(document.querySelector('base')?.dataset.looks ?? '{}')
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
  if (radius !== undefined) root.style.setProperty('--radius', `${radius}px`)
  if (!accent || !accentDark) return
  // The server has checked that text in both can be read: see `--hover` in its contrast.ts.
  const colours = {
    '--accent': [accent.colour, accentDark.colour],
    '--accent-hover': [
      `color-mix(in srgb, ${accent.colour}, #000 15%)`,
      `color-mix(in srgb, ${accentDark.colour}, #fff 25%)`,
    ],
    '--accent-soft': [
      `color-mix(in srgb, ${accent.colour} 6%, #fff)`,
      `color-mix(in srgb, ${accentDark.colour} 6%, #14171c)`,
    ],
    '--on-accent': [accent.text, accentDark.text],
  }
  for (const [name, [light, dark]] of Object.entries(colours)) {
    root.style.setProperty(name, `light-dark(${light}, ${dark})`)
  }
})()
