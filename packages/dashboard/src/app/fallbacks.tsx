import { Button } from '../kit/button.tsx'
import { ButtonLink } from '../kit/link.tsx'
import { Banner, EmptyState, Page } from '../kit/surfaces.tsx'
import { messageOf } from '../lib/errors.ts'
import { shell } from '../strings/index.ts'

export function NotFound() {
  const { title, text, home } = shell.notFound
  return (
    <EmptyState title={title} actions={<ButtonLink to="/">{home}</ButtonLink>}>
      {text}
    </EmptyState>
  )
}

/** A page that threw, or whose code could not be loaded, such as after an update of the server. */
export function Failed({ error }: { readonly error: unknown }) {
  const { title, text, reload } = shell.failed
  return (
    <Page>
      <EmptyState title={title} actions={<Button onClick={() => location.reload()}>{reload}</Button>}>
        {text}
      </EmptyState>
      <Banner tone="error">{messageOf(error)}</Banner>
    </Page>
  )
}
