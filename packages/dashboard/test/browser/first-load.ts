/** Measures how Overview loads for someone who has never opened the dashboard before. */
import type { Browser, BrowserContextOptions } from 'playwright-core'
import type { Measures } from './measures.ts'
import { Visit } from './visit.ts'

export type FirstLoad = Measures & {
  /** What came over the network until the page stood, headers included, in bytes; the page's files and the API's. */
  readonly transferredBytes: number
  readonly requests: readonly { readonly url: string; readonly bytes: number }[]
}

/** A network and a processor, as Lighthouse's mobile profile has them when it applies them itself ("devtools"). */
const SLOW_NETWORK = { offline: false, latency: 562.5, downloadThroughput: 184_320, uploadThroughput: 84_375 }
const SLOWER_PROCESSOR = 4
const PHONE: BrowserContextOptions = {
  viewport: { width: 412, height: 823 },
  deviceScaleFactor: 1.75,
  isMobile: true,
  hasTouch: true,
}

export type FirstLoadOptions = {
  readonly url: string
  readonly apiKey: string
  /** Whether the network and the processor are as slow as a phone's. Default: false. */
  readonly isSlow?: boolean
}

export async function loadFirst(
  browser: Browser,
  { url, apiKey, isSlow = false }: FirstLoadOptions,
): Promise<FirstLoad> {
  const visit = await Visit.begin(browser, url, { ...(isSlow ? PHONE : {}), apiKey })
  try {
    const session = await visit.context.newCDPSession(visit.page)
    await session.send('Network.enable')
    if (isSlow) {
      await session.send('Network.emulateNetworkConditions', SLOW_NETWORK)
      await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWER_PROCESSOR })
    }
    const urls = new Map<string, string>()
    const requests: { url: string; bytes: number }[] = []
    session.on('Network.requestWillBeSent', ({ requestId, request }) => urls.set(requestId, request.url))
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      requests.push({ url: urls.get(requestId) ?? '?', bytes: encodedDataLength })
    })
    await visit.open('')
    const transferredBytes = requests.reduce((sum, { bytes }) => sum + bytes, 0)
    return { ...(await visit.measures()), transferredBytes, requests }
  } finally {
    await visit.context.close()
  }
}
