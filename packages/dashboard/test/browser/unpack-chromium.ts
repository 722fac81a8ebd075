/** Run as a process of its own by `browser.ts`: unpacks the Chromium of `@sparticuz/chromium` into TMPDIR. */
import chromium from '@sparticuz/chromium'

process.stdout.write(await chromium.executablePath())
