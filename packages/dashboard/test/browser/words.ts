/** Looks at what a page says: words of another language than its own, and words that don't fit where they are. */
import type { Page } from 'playwright-core'

/** All whole texts in an object of words, such as a section or a dictionary. */
export function textsIn(words: unknown): string[] {
  if (typeof words === 'string') return words.trim() === '' ? [] : [words.trim()]
  return typeof words === 'object' && words !== null ? Object.values(words).flatMap(textsIn) : []
}

/** Which of the texts the page has, as text, name, title or placeholder. */
export async function findTexts(page: Page, texts: readonly string[]): Promise<readonly string[]> {
  const shown = await page.evaluate(() => {
    const all: string[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    // What is code, or someone's data, is in no language of the page's.
    const isProse = (node: Node) => node.parentElement?.closest('code, pre, samp, bdi') === null
    while (walker.nextNode()) if (isProse(walker.currentNode)) all.push(walker.currentNode.textContent ?? '')
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      for (const name of ['aria-label', 'title', 'placeholder']) all.push(element.getAttribute(name) ?? '')
    }
    return all.map(text => text.trim())
  })
  const wanted = new Set(texts)
  return [...new Set(shown)].filter(text => wanted.has(text))
}

/** Which of the texts are cut off on the page, or stick out of it. Names and ids are shortened on purpose: not these. */
export async function findCut(page: Page, texts: readonly string[]): Promise<readonly string[]> {
  return page.evaluate(wanted => {
    const cut = new Set<string>()
    const isWanted = new Set(wanted)
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      const text = element.textContent?.trim() ?? ''
      const box = element.getBoundingClientRect()
      // What is 1 pixel wide is for screen readers only.
      if (!isWanted.has(text) || element.children.length > 0 || box.width <= 1) continue
      for (let around: HTMLElement | null = element; around !== null; around = around.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(around)
        const hides = overflowX === 'hidden' || overflowX === 'clip'
        const room = around.getBoundingClientRect()
        if (room.width <= 1) break
        if (hides && around === element && element.scrollWidth > element.clientWidth + 1) cut.add(text)
        if (hides && (box.right > room.right + 1 || box.left < room.left - 1)) cut.add(text)
        if (overflowX === 'auto' || overflowX === 'scroll' || overflowY === 'scroll') break
      }
    }
    return [...cut]
  }, texts)
}
