/** Looks for faults of accessibility with axe. */
import type { AxeResults, Result } from 'axe-core'
import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** WCAG 2.2 AA, and what axe recommends beyond it. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/**
 * What axe finds on the page as it is now, one line for each element. It is evaluated by the debugger, which the
 * page's Content-Security-Policy doesn't concern: a script element would be refused.
 */
export async function findFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source)
  const violations = await page.evaluate(async tags => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') }
    const results: AxeResults = await axe.run(document, { runOnly: { type: 'tag', values: tags } })
    return results.violations
  }, TAGS)
  return violations.flatMap(linesOf)
}

function linesOf({ id, help, nodes }: Result): string[] {
  return nodes.map(({ target, html, failureSummary = '' }) => {
    const why = failureSummary.split('\n').slice(1).join(' ').trim()
    return `${id} (${help}): ${target.join(' ')} ${html.slice(0, 160)} ${why}`
  })
}
