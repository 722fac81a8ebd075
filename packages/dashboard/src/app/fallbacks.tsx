import { useEffect, useState } from 'react'
import { Button } from '../kit/button.tsx'
import { ButtonLink } from '../kit/link.tsx'
import { Banner, EmptyState, Page } from '../kit/surfaces.tsx'
import { CodeError } from '../lib/code.ts'
import { messageOf } from '../lib/errors.ts'
import { shell } from '../strings/index.ts'
import { hasBearer } from './client.ts'
import { START } from './nav.tsx'

export function NotFound() {
  const { title, text } = shell.notFound
  return (
    <EmptyState isTitle title={title} actions={<ButtonLink to={START.to as '/'}>{START.label}</ButtonLink>}>
      {text}
    </EmptyState>
  )
}

/** A document that is younger was loaded for this already, in milliseconds. */
const FRESH_MS = 10_000

/**
 * A page that threw, or whose code could not be loaded, such as after an update of the server: that is loaded with a new
 * document. Not in a frame, whose session would be gone with this one.
 */
export function Failed({ error }: { readonly error: unknown }) {
  const { title, text, reload } = shell.failed
  const [isOld] = useState(() => performance.now() > FRESH_MS)
  const isReloading = error instanceof CodeError && isOld && !hasBearer()
  useEffect(() => {
    if (isReloading) location.reload()
  }, [isReloading])
  if (isReloading) return null
  return (
    <Page>
      <EmptyState isTitle title={title} actions={<Button onClick={() => location.reload()}>{reload}</Button>}>
        {text}
      </EmptyState>
      <Banner tone="error">{messageOf(error)}</Banner>
    </Page>
  )
}
