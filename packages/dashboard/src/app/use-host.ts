import { useSyncExternalStore } from 'react'
import { type Host, hostNow, onHost } from './embedding.ts'

/** The page around the portal's frame, if there is one and it has said hello. */
export const useHost = (): Host | null => useSyncExternalStore(onHost, hostNow)
