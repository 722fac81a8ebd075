import { createElement, type ReactElement, useEffect, useRef } from 'react'
import { mountPortal, type PortalOptions, type PortalTarget } from './portal.ts'

export type PosthornPortalProps = PortalOptions & {
  /** For the element around the frame. */
  readonly className?: string
}

/**
 * The portal of a tenant, in a frame. It stays the same when its properties change: give it another `key` for another
 * tenant.
 */
export function PosthornPortal(props: PosthornPortalProps): ReactElement {
  const target = useRef<PortalTarget | null>(null)
  const latest = useRef(props)
  useEffect(() => {
    latest.current = props
  })
  useEffect(() => {
    const { title, minHeight } = latest.current
    const portal = mountPortal(target.current!, {
      getLink: () => latest.current.getLink(),
      onReturn: () => latest.current.onReturn?.(),
      onError: error => (latest.current.onError ?? console.error)(error),
      ...(title === undefined ? {} : { title }),
      ...(minHeight === undefined ? {} : { minHeight }),
    })
    return () => portal.unmount()
  }, [])
  return createElement('div', { ref: target as never, className: props.className })
}
