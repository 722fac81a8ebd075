import { Button } from '../kit/button.tsx'
import { shell } from '../strings/index.ts'
import { setPaused, useLive } from './live.ts'

/** Shows that a list is live, pauses it, and says how much came in since. */
export function LiveSwitch() {
  const { isPaused, missed } = useLive()
  return (
    <Button
      kind="quiet"
      small
      icon={isPaused ? 'play' : 'pause'}
      aria-label={isPaused ? shell.resumeLive : shell.pauseLive}
      onClick={() => setPaused(!isPaused)}
    >
      {isPaused ? (missed === 0 ? shell.paused : shell.newSince(missed)) : shell.live}
    </Button>
  )
}
