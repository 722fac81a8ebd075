// Runs before the first paint: sets the theme that was chosen here, or the system's.
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
})()
