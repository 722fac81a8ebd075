'use client'

import { createElement, type ReactElement, useEffect, useRef } from 'react'
import { mountPortal, type PortalOptions, type PortalTarget } from './portal.ts'

export type PosthornPortalProps = PortalOptions & {
  /** For the element around the frame. */
  readonly className?: string
}

/**
 * The portal of a tenant, in a frame that is removed with the component. Functions can change between renders; the frame
 * keeps its session. Give it another `key` for another tenant, or to apply another title, height or `onReturn`.
 */
export function PosthornPortal(props: PosthornPortalProps): ReactElement {
  const target = useRef<PortalTarget | null>(null)
  const latest = useRef(props)
  useEffect(() => {
    latest.current = props
  })
  useEffect(() => {
    const { className: _className, onReturn, ...options } = latest.current
    const portal = mountPortal(target.current!, {
      ...options,
      getLink: () => latest.current.getLink(),
      onSessionEnd: () => latest.current.onSessionEnd?.(),
      onError: error => (latest.current.onError ?? console.error)(error),
      ...(onReturn === undefined ? {} : { onReturn: () => latest.current.onReturn?.() }),
    })
    return () => portal.unmount()
  }, [])
  return createElement('div', { ref: target as never, className: props.className })
}
